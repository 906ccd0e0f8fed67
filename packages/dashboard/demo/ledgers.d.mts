import type { CoordinationLedger, VerificationLedger } from '@monque/ledgers';

export function openLedgers(): Promise<{
  readonly verification: VerificationLedger;
  readonly coordination: CoordinationLedger;
}>;
