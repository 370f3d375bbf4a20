/** The catalog on one machine: there is no engine but those of the platform, and they read the snapshot itself. */
import type { Catalog } from '../../ports.ts';

export const noCatalog: Catalog = { publish: async () => {} };
