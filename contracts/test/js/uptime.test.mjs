// Key bindings and uptime reports as a second implementation makes them, against the contracts on a real chain.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TypedDataEncoder, hexlify, id, randomBytes, toBigInt } from 'ethers';
import { KEY_BINDING, UPTIME_REPORT, deploy, domainOf, eventsOf, registerOperator, send, startChain } from './chain.mjs';

const RANDOM_INPUTS = 30;
const OPERATORS = 8;
const SLOTS = 24;
const PERIOD = 1;
const PERIOD_SECONDS = 86_400;
const EVERYBODY = (1n << BigInt(OPERATORS)) - 1n;

let chain;
let contracts;
let ledger;
let domain;
const keys = [];

before(async () => {
  chain = await startChain();
  contracts = await deploy(chain);
  ledger = contracts.ledger;
  domain = await domainOf(chain, 'UptimeLedger', ledger);
  for (let i = 0; i < OPERATORS; i++) keys.push(await registerOperator(chain, contracts, chain.account(i + 1)));
});

after(() => chain?.stop());

const randomWords = (count) => Array.from({ length: count }, () => toBigInt(randomBytes(32)));

async function warpTo(timestamp) {
  await chain.provider.send('evm_setNextBlockTimestamp', [timestamp]);
  await chain.provider.send('evm_mine', []);
}

test('digests of random reports are those of the contract', async () => {
  await Promise.all(Array.from({ length: RANDOM_INPUTS }, async (_, i) => {
    const report = {
      period: toBigInt(randomBytes(8)), observed: randomWords(i), up: randomWords((i * 7) % 30),
      evidenceRoot: hexlify(randomBytes(32)),
    };
    assert.equal(
      await ledger.reportDigest(report.period, report.observed, report.up, report.evidenceRoot),
      TypedDataEncoder.hash(domain, UPTIME_REPORT, report),
    );
  }));
});

test('digests of random key bindings are those of the contract', async () => {
  const registry = await domainOf(chain, 'OperatorRegistry', contracts.operators);
  await Promise.all(Array.from({ length: RANDOM_INPUTS }, async () => {
    const binding = { operator: hexlify(randomBytes(20)), key: hexlify(randomBytes(20)) };
    assert.equal(
      await contracts.operators.keyBindingDigest(binding.operator, binding.key),
      TypedDataEncoder.hash(registry, KEY_BINDING, binding),
    );
  }));
});

test('reports signed by ethers decide who was up', async () => {
  await warpTo(contracts.genesis + 60);
  await send(ledger.requestDraw(PERIOD));
  await chain.provider.send('anvil_mine', ['0x3']);
  const [drawn] = eventsOf(await send(ledger.drawCommittee(PERIOD)), ledger, 'CommitteeDrawn');
  const members = drawn.args.members.map(Number);
  await warpTo(contracts.genesis + (PERIOD + 1) * PERIOD_SECONDS);

  // Operator 0 answered nobody in the first five slots.
  const observed = Array(SLOTS).fill(EVERYBODY);
  const up = observed.map((word, slot) => (slot < 5 ? word & ~1n : word));
  const reports = await Promise.all(members.map(async (member, seat) => {
    const report = { period: PERIOD, observed, up, evidenceRoot: id(`evidence ${seat}`) };
    const signature = await keys[member].signTypedData(domain, UPTIME_REPORT, report);
    return { seat, observed, up, evidenceRoot: report.evidenceRoot, signature };
  }));
  const posted = await send(ledger.post(PERIOD, members, reports));
  const [result] = eventsOf(posted, ledger, 'PeriodReported');
  assert.deepEqual(result.args.observed.toArray(), observed);
  assert.deepEqual(result.args.up.toArray(), up);
  assert.deepEqual(await tally(0, result), [24n, 5n]);
  assert.deepEqual(await tally(1, result), [24n, 0n]);
});

async function tally(index, result) {
  const answer = await ledger.tally(PERIOD, index, result.args.observed.toArray(), result.args.up.toArray());
  return answer.toArray();
}
