import { ponder } from 'ponder:registry';
import { heartbeat } from 'ponder:schema';

ponder.on('Registry:HeartbeatReceived', async ({ event, context }) => {
  await context.db.insert(heartbeat).values({
    blockNumber: event.block.number,
    logIndex: event.log.logIndex,
    txHash: event.transaction.hash,
    teeId: event.args.teeId,
    timestamp: event.args.timestamp,
  });
});
