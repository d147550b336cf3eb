// Indexes the heartbeats of the recorded chain: logs by RPC, rows in batches.
const { EvmBatchProcessor } = require('@subsquid/evm-processor');
const { TypeormDatabase } = require('@subsquid/typeorm-store');
const { Heartbeat } = require('./lib/model');

const { RPC_URL, REGISTRY, TOPIC, END_BLOCK } = process.env;

const processor = new EvmBatchProcessor()
  .setRpcEndpoint({ url: RPC_URL, capacity: 10, maxBatchCallSize: 100 })
  .setFinalityConfirmation(64)
  .setBlockRange({ from: 0, to: Number(END_BLOCK) })
  .setFields({ log: { topics: true, data: true, transactionHash: true } })
  .addLog({ address: [REGISTRY.toLowerCase()], topic0: [TOPIC] });

processor.run(new TypeormDatabase({ supportHotBlocks: false }), async (context) => {
  const heartbeats = context.blocks.flatMap((block) =>
    block.logs.map(
      (log) =>
        new Heartbeat({
          id: log.id,
          blockNumber: block.header.height,
          logIndex: log.logIndex,
          txHash: log.transactionHash,
          teeId: log.topics[1],
          timestamp: BigInt(log.data),
        }),
    ),
  );
  await context.store.insert(heartbeats);
});
