import type { Monque } from '@monque/core';

/** Opens the shop with three instances of one ledger. */
export function openShop(instances: readonly Monque[]): Promise<{ close(): Promise<void> }>;
