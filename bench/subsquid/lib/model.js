// Where the processor's configuration looks for entities.
const { EntitySchema } = require('typeorm');

class Heartbeat {
  constructor(properties) {
    Object.assign(this, properties);
  }
}

const bigint = { to: (value) => value?.toString(), from: (value) => (value == null ? value : BigInt(value)) };

const HeartbeatSchema = new EntitySchema({
  name: 'Heartbeat',
  tableName: 'heartbeat',
  target: Heartbeat,
  columns: {
    id: { type: 'varchar', primary: true },
    blockNumber: { type: 'int4', name: 'block_number' },
    logIndex: { type: 'int4', name: 'log_index' },
    txHash: { type: 'text', name: 'tx_hash' },
    teeId: { type: 'text', name: 'tee_id' },
    timestamp: { type: 'numeric', transformer: bigint },
  },
});

module.exports = { Heartbeat, HeartbeatSchema };
