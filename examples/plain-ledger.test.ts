import { Monque } from '@monque/core';
import { ledgerContract, ManualClock } from '@monque/core/testing';
import type { ClientSession } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { PlainLedger } from './plain-ledger.ts';

const clock = new ManualClock();

ledgerContract({
  name: 'the plain ledger of the guide',
  clock,
  makeRepository: async () => {
    const ledger = new PlainLedger({ clock });
    return { ledger, dispose: () => ledger.close() };
  },
  runner: { describe, test },
});
