import { createConfig } from 'ponder';

const heartbeatReceived = {
  type: 'event',
  name: 'HeartbeatReceived',
  inputs: [
    { name: 'teeId', type: 'bytes32', indexed: true },
    { name: 'timestamp', type: 'uint256', indexed: false },
  ],
} as const;

export default createConfig({
  database: { kind: 'postgres', connectionString: process.env.DATABASE_URL },
  chains: { recorded: { id: 10_740, rpc: process.env.RPC_URL } },
  contracts: {
    Registry: {
      chain: 'recorded',
      abi: [heartbeatReceived],
      address: process.env.REGISTRY as `0x${string}`,
      startBlock: 0,
      endBlock: Number(process.env.END_BLOCK),
    },
  },
});
