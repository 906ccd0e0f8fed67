/**
 * The Markdown file of a coordination ledger without tasks.
 *
 * @module
 */

/** A new file. */
export const COORDINATION_TEMPLATE: string = `# 📋 COORDINATION LEDGER

**Last Updated**: _when a task changes_  
**Total Tasks**: 0 (Critical: 0, High: 0, Normal: 0)  

---

## 🔴 CRITICAL TASKS

## 🟡 HIGH PRIORITY TASKS

## 🟢 NORMAL PRIORITY TASKS

## 📊 COMPLETION STATISTICS

### **Overall Progress**
- **Total Tasks**: 0
- **Completed**: 0 (0%)
- **In Progress**: 0 (0%)
- **Assigned**: 0 (0%)
- **Defined**: 0 (0%)

### **Critical Path Analysis**
\`\`\`
None: no open task depends on another
\`\`\`

### **Dependency Matrix**
| Task | Depends On | Blocks |
|------|------------|--------|

---

## 🚨 BLOCKED TASKS

*No tasks currently blocked*

---

## ✅ COMPLETED TASKS

*No tasks completed yet*

---

## 📈 METRICS TRACKING

### **Task Completion Velocity**
- **This Week**: 0 tasks completed

### **Quality Metrics**
- **Peer Review Approval Rate**: N/A (no reviews yet)
- **Rework Rate**: N/A (no completions yet)

### **Agent Performance**

---

## 🔄 TASK LIFECYCLE RULES

### **State Transitions**
\`\`\`
📝 DEFINED → 🎯 ASSIGNED → 🔄 IN_PROGRESS → 👥 PEER_REVIEW → ✅ COMPLETED
     ↕           ↕              ↕      ↖            ↓
  🚫 BLOCKED   🚫 BLOCKED    🚫 BLOCKED    ←  🔧 REVISIONS
\`\`\`
`;
