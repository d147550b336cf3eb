// A chain of our own with the contracts deployed by a second implementation, ethers, from contracts/abi.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Contract, ContractFactory, HDNodeWallet, JsonRpcProvider, Mnemonic, Wallet, ZeroAddress, parseEther } from 'ethers';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const ANVIL_MNEMONIC = 'test test test test test test test test test test test junk';

export const OWN_STAKE = parseEther('2000');
export const EXIT_DELAY = 604_800n;
const DAY = 86_400;

/** Starts anvil on a free port. Its shell ends it when our end of the pipe closes, however we end. */
export async function startChain() {
  const child = spawn('sh', ['-c', 'tools/anvil --port 0 --accounts 30 & pid=$!; read -r _; kill $pid; wait $pid'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stop = () => new Promise((resolve) => {
    child.once('close', resolve);
    child.stdin.end();
  });
  try {
    const port = await listeningPort(child);
    const provider = new JsonRpcProvider(`http://127.0.0.1:${port}`, undefined, { cacheTimeout: -1, pollingInterval: 20 });
    return {
      provider,
      account: (index) => account(provider, index),
      stop: async () => {
        provider.destroy();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function listeningPort(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error(`anvil does not listen:\n${output}`)), START_TIMEOUT_MS);
    const settle = (done, value) => {
      clearTimeout(timer);
      done(value);
    };
    const read = (text) => {
      output += text;
      const found = /Listening on 127\.0\.0\.1:(\d+)/.exec(output);
      if (found) settle(resolve, Number(found[1]));
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    child.once('close', () => settle(reject, new Error(`anvil ended:\n${output}`)));
  });
}

/** One of the chain's funded accounts. */
function account(provider, index) {
  const mnemonic = Mnemonic.fromPhrase(ANVIL_MNEMONIC);
  const { privateKey } = HDNodeWallet.fromMnemonic(mnemonic, `m/44'/60'/0'/0/${index}`);
  return new Wallet(privateKey, provider);
}

/** Deploys a contract of contracts/abi. */
async function createContract(deployer, name, ...args) {
  const { abi, bytecode } = JSON.parse(readFileSync(join(ROOT, `contracts/abi/${name}.json`), 'utf8'));
  const contract = await new ContractFactory(abi, bytecode, deployer).deploy(...args);
  await contract.waitForDeployment();
  return new Contract(await contract.getAddress(), abi, deployer);
}

/** Deploys everything, wired as far as these tests need it, with the first account. */
export async function deploy(chain) {
  const deployer = chain.account(0);
  const genesis = (await chain.provider.getBlock('latest')).timestamp + DAY;
  const create = (name, ...args) => createContract(deployer, name, ...args);
  const manager = await create('AccessManager', deployer.address);
  const token = await create('TestToken', 'Plumbline Test', 'PLT', 18);
  const models = await create('ModelRegistry');
  const vault = await create('StakeVault', manager, token, token, deployer.address, parseEther('1000'), 1n, {
    thaw: 23 * DAY, evidence: 7 * DAY, dispute: 7 * DAY, resolution: 7 * DAY, buffer: 2 * DAY,
  });
  const operators = await create('OperatorRegistry', manager, models, vault, DAY);
  const settlement = await create('InferenceSettlement', manager, token, operators, models, vault, ZeroAddress, {
    reserve: deployer.address, protocolFeeBps: 500, exitDelay: EXIT_DELAY, epochDuration: DAY,
    coverage: { betaBps: 30_000, utilisationBps: 7900, haircutBps: 8000, penaltyBps: 8444, correlationBps: 1000 },
  });
  const ledger = await create('UptimeLedger', operators, {
    genesis, slotSeconds: 3600, slotsPerPeriod: 24, reportWindow: DAY / 2,
  });
  return { manager, token, models, vault, operators, settlement, ledger, genesis };
}

/** Deploys the contracts of audits beside what `deploy` gave. They punish nobody here: no test needs a table of faults. */
export async function deployAudits(chain, contracts) {
  const deployer = chain.account(0);
  const create = (name, ...args) => createContract(deployer, name, ...args);
  const { manager, models, vault, operators, settlement, ledger } = contracts;
  const faults = deployer.address;
  const randomness = await create('BlockRandomness', 4n, 256n);
  const verifiers = await create('VerifierRegistry', models);
  const judges = await create('JudgeCommittee', manager, operators, vault, randomness);
  const gauge = await create('StressGauge', manager, vault, ZeroAddress, faults, ledger, {
    step: 3600, backlogCapacity: 100,
  });
  const docket = await create('CaseDocket', manager, {
    settlement, operatorRegistry: operators, modelRegistry: models, stakeVault: vault, uptimeLedger: ledger, faults,
    verifierRegistry: verifiers, judgeCommittee: judges, stressGauge: gauge,
  }, {
    minProbability: parseEther('0.01'), bond: parseEther('6'), maxChallenges: 16, answerWindow: DAY, grace: 2 * DAY,
    proofWindow: DAY, commitWindow: DAY / 2, revealWindow: DAY / 4, canaryWindow: DAY, disputeWindow: 7 * DAY,
  });
  const auditor = await create('AuditManager', docket, randomness);
  const challenges = await create('ChallengeManager', manager, docket);
  return { docket, auditor, challenges, judges, gauge, randomness, verifiers };
}

/** The EIP-712 domain of one of the contracts. */
export async function domainOf(chain, name, contract) {
  const { chainId } = await chain.provider.getNetwork();
  return { name: `Plumbline ${name}`, version: '1', chainId, verifyingContract: await contract.getAddress() };
}

/** Stakes, registers with a key whose binding ethers signs, and returns that key. */
export async function registerOperator(chain, contracts, operator) {
  const { token, vault, operators } = contracts;
  const key = Wallet.createRandom();
  await send(token.connect(operator).mint(operator.address, OWN_STAKE));
  await send(token.connect(operator).approve(await vault.getAddress(), OWN_STAKE));
  await send(vault.connect(operator).stake(OWN_STAKE));
  const domain = await domainOf(chain, 'OperatorRegistry', operators);
  const signature = await key.signTypedData(domain, KEY_BINDING, { operator: operator.address, key: key.address });
  await send(operators.connect(operator).register(
    key.address, operator.address, `0x${'00'.repeat(32)}`, 'https://operator.example', 1000, signature,
  ));
  return key;
}

export const KEY_BINDING = { KeyBinding: [{ name: 'operator', type: 'address' }, { name: 'key', type: 'address' }] };
export const SIGNER_BINDING = {
  SignerBinding: [{ name: 'payer', type: 'address' }, { name: 'signer', type: 'address' }],
};
export const VOUCHER = {
  Voucher: [
    { name: 'payer', type: 'address' }, { name: 'operator', type: 'address' }, { name: 'modelId', type: 'bytes32' },
    { name: 'cumulativeFee', type: 'uint128' }, { name: 'cumulativeUnits', type: 'uint64' },
  ],
};
export const UPTIME_REPORT = {
  UptimeReport: [
    { name: 'period', type: 'uint64' }, { name: 'observed', type: 'uint256[]' }, { name: 'up', type: 'uint256[]' },
    { name: 'evidenceRoot', type: 'bytes32' },
  ],
};
/** The terms that a batch is committed with, as an ABI type. */
export const BATCH =
  'tuple(address operator, uint64 settledAt, uint64 settledBlock, uint32 receiptCount, bytes32 receiptsRoot, uint128 earned, uint128 risk)';
export const RECEIPT = {
  Receipt: [
    { name: 'requestId', type: 'bytes32' }, { name: 'modelId', type: 'bytes32' }, { name: 'version', type: 'uint32' },
    { name: 'inputHash', type: 'bytes32' }, { name: 'outputHash', type: 'bytes32' }, { name: 'payer', type: 'address' },
    { name: 'servedAt', type: 'uint64' }, { name: 'latencyMs', type: 'uint32' }, { name: 'fee', type: 'uint128' },
  ],
};

/** Waits for a transaction and gives its receipt. */
export async function send(transaction) {
  return (await transaction).wait();
}

/** The logs of one event in a transaction's receipt, decoded. */
export function eventsOf(receipt, contract, name) {
  return receipt.logs.map((log) => contract.interface.parseLog(log)).filter((event) => event?.name === name);
}
