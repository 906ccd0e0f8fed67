/**
 * A random model of how the jobs of one flow are stored, released and pruned, each look and each write a step apart,
 * with crashes, late messages, redrives, sweeps and jobs that are added while a parent runs.
 */
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type ModelRuns, runSeeds } from './model-runs.ts';

/** The rules of the protocol; each may be left out, to see what it is for. */
export interface FlowRules {
  /** No job starts before the whole flow is stored. */
  readonly marker: boolean;
  /** A flow is given up, or called stored, only while neither was done. */
  readonly compare: boolean;
  /** Jobs that wait are looked at again and again, also when whoever ended their parents has died. */
  readonly sweep: boolean;
  /** Who waits is released or failed only at the fence that was read. */
  readonly fence: boolean;
  /** A redriven job that has parents waits for them again. */
  readonly redriveWaits: boolean;
  /** A parent leaves the ledger after its children. */
  readonly childrenFirst: boolean;
  /** What a job adds while it runs holds up what waits for that job. */
  readonly addedHolds: boolean;
}

/** The protocol as it is. */
export const ALL_RULES: FlowRules = {
  marker: true,
  compare: true,
  sweep: true,
  fence: true,
  redriveWaits: true,
  childrenFirst: true,
  addedHolds: true,
};

/** What a run can show to be wrong. */
export type FlowFault = 'early' | 'half a flow ran' | 'wrongly failed' | 'stuck';

type Policy = 'fail' | 'wait' | 'continue';
type Status = 'absent' | 'blocked' | 'pending' | 'processing' | 'completed' | 'failed' | 'gone';

interface Node {
  readonly id: number;
  readonly parents: { readonly id: number; readonly policy: Policy }[];
  status: Status;
  fence: number;
  /** True once it had ended, however it did. */
  hasEnded: boolean;
  hasCompleted: boolean;
  /** True when it failed because of a parent. */
  byParent: boolean;
}

interface Decision {
  readonly id: number;
  readonly fence: number;
  readonly to: 'pending' | 'failed';
}

const STEPS = 500;
const LAST_ROUNDS = 60;
const GIVE_UP_AFTER = 250;

/** One flow, and whatever happens to it. */
class FlowWorld {
  readonly #random: SeededRandom;
  readonly #rules: FlowRules;
  readonly #nodes: Node[] = [];
  readonly #order: number[];
  #state: 'storing' | 'stored' | 'abandoned' = 'storing';
  #stored = 0;
  #builderDied = false;
  readonly #diesAt: number;
  #checks: number[] = [];
  readonly #late: Decision[] = [];
  #leaving: number | undefined;
  #added = 0;
  /** Whom jobs should wait for, where nothing makes them. */
  readonly #unheld: { readonly child: number; readonly added: Node['parents'][number] }[] = [];
  claims = 0;
  fault: FlowFault | undefined;

  constructor(seed: number, rules: FlowRules) {
    this.#random = new SeededRandom(seed);
    this.#rules = rules;
    const size = 3 + this.#below(8);
    for (let id = 0; id < size; id += 1) this.#nodes.push(this.#makeNode(id));
    this.#order = this.#nodes.map(({ id }) => id);
    for (let at = size - 1; at > 0; at -= 1) {
      const other = this.#below(at + 1);
      const held = this.#order[at] as number;
      this.#order[at] = this.#order[other] as number;
      this.#order[other] = held;
    }
    this.#diesAt = this.#chance(0.25) ? this.#below(size + 2) : -1;
  }

  #makeNode(id: number): Node {
    const ids = new Set(
      id === 0 ? [] : Array.from({ length: this.#below(3) }, () => this.#below(id)),
    );
    const policies: readonly Policy[] = ['fail', 'wait', 'continue'];
    const parents = [...ids].map((parent) => ({
      id: parent,
      policy: policies[this.#below(3)] as Policy,
    }));
    const state = { status: 'absent' as Status, fence: 0, byParent: false };
    return { id, parents, hasEnded: false, hasCompleted: false, ...state };
  }

  #below(most: number): number {
    return Math.floor(this.#random.fraction() * most);
  }

  #chance(of: number): boolean {
    return this.#random.fraction() < of;
  }

  run(): void {
    for (let step = 0; step < STEPS && this.fault === undefined; step += 1) this.#step(step);
    for (let round = 0; round < LAST_ROUNDS && this.fault === undefined; round += 1) this.#rest();
    if (this.fault === undefined && !this.#isAtRest()) this.fault = 'stuck';
  }

  #step(step: number): void {
    const draw = this.#below(100);
    if (draw < 22) this.#build();
    else if (draw < 40) this.#start(this.#pick('pending'));
    else if (draw < 60) this.#end(this.#pick('processing'));
    else if (draw < 70) this.#check();
    else if (draw < 76) this.#redrive(this.#pick('failed'));
    else if (draw < 82) this.#add(this.#pick('processing'));
    else if (draw < 88) this.#prune();
    else if (draw < 90) this.#deliverLate();
    else if (this.#rules.sweep) {
      this.#look(this.#pick('blocked'));
      if (step > GIVE_UP_AFTER) this.#giveUp();
    }
  }

  #pick(status: Status): Node | undefined {
    const found = this.#nodes.filter((node) => node.status === status);
    return found[this.#below(Math.max(found.length, 1))];
  }

  /** Stores the next job, or says that all are stored. */
  #build(): void {
    if (this.#builderDied || this.#state === 'stored') return;
    if (this.#stored === this.#diesAt) {
      this.#builderDied = true;
      return;
    }
    const id = this.#order[this.#stored];
    if (id !== undefined) {
      this.#stored += 1;
      const node = this.#nodes[id] as Node;
      const mayStart = !this.#rules.marker && node.parents.length === 0;
      node.status = mayStart ? 'pending' : 'blocked';
      return;
    }
    if (this.#rules.compare && this.#state !== 'storing') return;
    this.#state = 'stored';
    this.#checks.push(...this.#order.filter(() => this.#chance(0.8)));
  }

  #giveUp(): void {
    if (!this.#builderDied && !this.#chance(0.02)) return;
    if (this.#rules.compare && this.#state !== 'storing') return;
    this.#state = 'abandoned';
  }

  #start(node: Node | undefined): void {
    if (node === undefined) return;
    node.status = 'processing';
    node.fence += 1;
    this.claims += 1;
    if (this.#stored < this.#order.length || this.#state === 'abandoned') {
      this.fault = 'half a flow ran';
    }
    const unheld = this.#unheld.filter(({ child }) => child === node.id).map(({ added }) => added);
    if (![...node.parents, ...unheld].every((parent) => this.#mayPass(parent)))
      this.fault = 'early';
  }

  /** What the policy allows, by what really happened. */
  #mayPass({ id, policy }: Node['parents'][number]): boolean {
    const parent = this.#nodes[id] as Node;
    return policy === 'continue' ? parent.hasEnded : parent.hasCompleted;
  }

  #end(node: Node | undefined): void {
    if (node === undefined) return;
    const draw = this.#below(100);
    if (draw < 15) node.status = 'pending';
    else {
      node.status = draw < 30 ? 'failed' : 'completed';
      node.hasEnded = true;
      node.byParent = false;
      if (node.status === 'completed') node.hasCompleted = true;
      // Whoever ended it may die before its children are looked at.
      if (this.#chance(0.7)) this.#checks.push(...this.#childrenOf(node.id));
    }
  }

  #childrenOf(id: number): number[] {
    const of = this.#nodes.filter(({ parents }) => parents.some((parent) => parent.id === id));
    return of.map((node) => node.id);
  }

  #check(): void {
    const at = this.#below(Math.max(this.#checks.length, 1));
    const [id] = this.#checks.splice(at, 1);
    if (id !== undefined) this.#look(this.#nodes[id]);
  }

  /** Reads who waits and whom it waits for; what follows from that may be written late. */
  #look(node: Node | undefined): void {
    if (node?.status !== 'blocked') return;
    if (this.#rules.marker && this.#state !== 'stored') {
      if (this.#state === 'abandoned') node.status = 'gone';
      return;
    }
    const to = this.#decide(node);
    if (to === undefined) return;
    const decision = { id: node.id, fence: node.fence, to };
    if (this.#chance(0.3)) this.#late.push(decision);
    else this.#write(decision);
  }

  /** By what the ledger shows: a parent that is not there holds nobody up. */
  #decide(node: Node): Decision['to'] | undefined {
    const seen = node.parents.map(({ id, policy }) => ({
      policy,
      status: (this.#nodes[id] as Node).status,
    }));
    if (seen.some(({ policy, status }) => policy === 'fail' && status === 'failed')) {
      return 'failed';
    }
    const isOpen = seen.some(({ policy, status }) => {
      if (status === 'absent' || status === 'gone' || status === 'completed') return false;
      return !(policy === 'continue' && status === 'failed');
    });
    return isOpen ? undefined : 'pending';
  }

  #write({ id, fence, to }: Decision): void {
    const node = this.#nodes[id] as Node;
    if (node.status !== 'blocked' || (this.#rules.fence && node.fence !== fence)) return;
    if (to === 'failed' && this.#decide(node) !== 'failed' && node.fence !== fence) {
      this.fault = 'wrongly failed';
    }
    node.status = to;
    if (to !== 'failed') return;
    node.hasEnded = true;
    node.byParent = true;
    this.#checks.push(...this.#childrenOf(id));
  }

  #deliverLate(): void {
    const at = this.#below(Math.max(this.#late.length, 1));
    const [decision] = this.#late.splice(at, 1);
    if (decision !== undefined) this.#write(decision);
  }

  #redrive(node: Node | undefined): void {
    if (node === undefined) return;
    node.fence += 1;
    node.status =
      this.#rules.redriveWaits && node.parents.length > 0 ? 'blocked' : ('pending' as Status);
    node.byParent = false;
  }

  /** A job that runs adds another, which whoever waits for it waits for too. */
  #add(node: Node | undefined): void {
    if (node === undefined || this.#added >= 3) return;
    this.#added += 1;
    const added = { ...this.#makeNode(0), id: this.#nodes.length, status: 'pending' as Status };
    this.#nodes.push(added);
    for (const child of this.#childrenOf(node.id)) {
      const of = this.#nodes[child] as Node;
      const policy = of.parents.find(({ id }) => id === node.id)?.policy ?? 'fail';
      // Who goes on without this parent had its leave when the parent ended for the first time.
      if (policy === 'continue' && node.hasEnded) continue;
      if (this.#rules.addedHolds) of.parents.push({ id: added.id, policy });
      else this.#unheld.push({ child, added: { id: added.id, policy } });
    }
  }

  /** Looks for a job that may leave, and deletes it a step later. */
  #prune(): void {
    if (this.#leaving !== undefined) {
      const node = this.#nodes[this.#leaving] as Node;
      if (node.status === 'failed' || node.status === 'completed') node.status = 'gone';
      this.#leaving = undefined;
      return;
    }
    const node = this.#pick(this.#chance(0.5) ? 'failed' : 'completed');
    if (node === undefined) return;
    const children = this.#childrenOf(node.id).map((id) => (this.#nodes[id] as Node).status);
    const isNeeded = this.#state !== 'stored' || children.some((status) => status !== 'gone');
    if (!this.#rules.childrenFirst || !isNeeded) this.#leaving = node.id;
  }

  /** Everybody does what they should, and nothing fails any more. */
  #rest(): void {
    this.#build();
    for (const node of this.#nodes) {
      if (node.status === 'failed' && !node.byParent) this.#redrive(node);
      else if (node.status === 'failed' && this.#state === 'stored') this.#redrive(node);
      if (node.status === 'pending') this.#start(node);
      if (node.status === 'processing') {
        node.status = 'completed';
        node.hasEnded = true;
        node.hasCompleted = true;
        this.#checks.push(...this.#childrenOf(node.id));
      }
    }
    for (const decision of this.#late.splice(0)) this.#write(decision);
    for (const id of this.#checks.splice(0)) {
      if (this.#chance(0.5)) this.#look(this.#nodes[id]);
    }
    if (!this.#rules.sweep) return;
    for (const node of this.#nodes) this.#look(node);
    if (this.#builderDied) this.#giveUp();
  }

  #isAtRest(): boolean {
    const over: readonly Status[] = ['completed', 'gone', 'absent'];
    return this.#nodes.every(({ status }) => over.includes(status));
  }
}

/** Runs the model with many seeds; a claim is the start of a job. */
export function runFlows(seeds: number, rules: FlowRules): ModelRuns<FlowFault> {
  const none = { early: 0, 'half a flow ran': 0, 'wrongly failed': 0, stuck: 0 };
  return runSeeds({ seeds }, none, (seed) => new FlowWorld(seed, rules));
}
