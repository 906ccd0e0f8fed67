// Written by the build of the pages; nothing here is edited by hand.
import type { Assets } from './pages/asset.ts';

export const ASSETS: Assets = {};
