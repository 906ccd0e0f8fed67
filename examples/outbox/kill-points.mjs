// Kills a service at a point of its work, without a warning: node --import ./kill-points.mjs shop.mjs
// KILL_AT names the point, KILL_AFTER how often it is passed before.
import { Monque } from '@monque/core';

const { KILL_AT, KILL_AFTER = '2' } = process.env;
let left = Number(KILL_AFTER);

function pass(point) {
  if (point !== KILL_AT) return;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
}

const { transaction, start } = Monque.prototype;
Monque.prototype.transaction = async function (work) {
  const result = await transaction.call(this, async (session) => {
    const answer = await work(session);
    pass('before-commit');
    return answer;
  });
  pass('after-commit');
  return result;
};

Monque.prototype.start = async function () {
  this.on('job:complete', () => pass('after-recording'));
  await start.call(this);
};

const { inbox } = Monque.prototype;
Monque.prototype.inbox = function (...given) {
  const made = inbox.apply(this, given);
  const once = made.once.bind(made);
  made.once = (id, session, work) =>
    once(id, session, async () => {
      await work();
      pass('in-the-transaction-of-the-receiver');
    });
  return made;
};

const { fetch } = globalThis;
globalThis.fetch = async (...given) => {
  pass('before-publish');
  const response = await fetch(...given);
  pass('after-publish');
  return response;
};
