/**
 * Documents as Agenda 5.0.0 left them in MongoDB, recorded from a real run; those of Agenda 4.4.0 had the same fields.
 *
 * @module
 */
import { type Document, ObjectId } from 'mongodb';

const id = (last: string): ObjectId =>
  ObjectId.createFromHexString(`6b015c39608aa879ef72f9${last}`);

const COMMON = { priority: 0, shouldSaveResult: false, lastModifiedBy: null };
const SINGLE = { ...COMMON, type: 'single', startDate: null, endDate: null, skipDays: null };

/** One document for each state that a job of Agenda can be in, by the name of the job. */
export const AGENDA_DOCUMENTS: Readonly<Record<string, Document>> = {
  done: {
    ...COMMON,
    _id: id('01'),
    name: 'done',
    data: { n: 1 },
    type: 'normal',
    nextRunAt: null,
    lockedAt: null,
    lastRunAt: new Date('2026-11-21T08:54:17.943Z'),
    lastFinishedAt: new Date('2026-11-21T08:54:17.951Z'),
  },
  broken: {
    ...COMMON,
    _id: id('02'),
    name: 'broken',
    data: { n: 2 },
    type: 'normal',
    nextRunAt: null,
    lockedAt: null,
    lastRunAt: new Date('2026-11-21T08:54:17.950Z'),
    failCount: 1,
    failReason: 'Out of paper',
    failedAt: new Date('2026-11-21T08:54:17.954Z'),
    lastFinishedAt: new Date('2026-11-21T08:54:17.954Z'),
  },
  hangs: {
    ...COMMON,
    _id: id('03'),
    name: 'hangs',
    data: { n: 3 },
    type: 'normal',
    nextRunAt: null,
    lockedAt: new Date('2026-11-21T08:54:17.930Z'),
    lastRunAt: new Date('2026-11-21T08:54:17.958Z'),
  },
  later: {
    ...COMMON,
    _id: id('04'),
    name: 'later',
    data: { n: 4 },
    type: 'normal',
    nextRunAt: new Date('2040-01-01T10:00:00Z'),
  },
  urgent: {
    ...COMMON,
    _id: id('05'),
    name: 'urgent',
    data: { n: 5 },
    priority: 10,
    type: 'normal',
    nextRunAt: new Date('2040-01-02T10:00:00Z'),
  },
  report: {
    ...SINGLE,
    _id: id('06'),
    name: 'report',
    data: { n: 6 },
    nextRunAt: new Date('2026-11-23T08:00:00Z'),
    repeatInterval: '0 9 * * 1-5',
    repeatTimezone: 'Europe/Berlin',
  },
  sweep: {
    ...SINGLE,
    _id: id('07'),
    name: 'sweep',
    data: null,
    nextRunAt: new Date('2026-11-21T08:54:19.505Z'),
    repeatInterval: '5 minutes',
    repeatTimezone: null,
  },
  off: {
    ...SINGLE,
    _id: id('08'),
    name: 'off',
    data: {},
    nextRunAt: new Date('2026-11-22T04:00:00Z'),
    repeatInterval: '0 4 * * *',
    repeatTimezone: null,
    disabled: true,
  },
};
