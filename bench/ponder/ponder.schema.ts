import { index, onchainTable, primaryKey } from 'ponder';

export const heartbeat = onchainTable(
  'heartbeat',
  (t) => ({
    blockNumber: t.bigint().notNull(),
    logIndex: t.integer().notNull(),
    txHash: t.hex().notNull(),
    teeId: t.hex().notNull(),
    timestamp: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.blockNumber, table.logIndex] }) }),
);

/** Filled by `bench api`, to ask Ponder's API what ours is asked. */
export const settlement = onchainTable(
  'settlement',
  (t) => ({
    position: t.bigint().primaryKey(),
    blockNumber: t.bigint().notNull(),
    logIndex: t.integer().notNull(),
    txHash: t.hex().notNull(),
    payer: t.hex().notNull(),
    operator: t.hex().notNull(),
    amount: t.bigint().notNull(),
  }),
  (table) => ({ operatorIndex: index().on(table.operator, table.position) }),
);
