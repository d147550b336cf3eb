// Vouchers, session keys and receipts as a second implementation makes them, against the contracts on a real chain.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StandardMerkleTree } from '@openzeppelin/merkle-tree';
import {
  AbiCoder, TypedDataEncoder, Wallet, concat, hexlify, id, keccak256, parseEther, randomBytes, toBigInt, verifyTypedData,
} from 'ethers';
import { BATCH, RECEIPT, SIGNER_BINDING, VOUCHER, deploy, domainOf, eventsOf, registerOperator, send, startChain } from './chain.mjs';

const RANDOM_INPUTS = 40;

let chain;
let contracts;
let settlement;
let domain;
let operator;
let operatorKey;
let payer;
let modelId;

before(async () => {
  chain = await startChain();
  contracts = await deploy(chain);
  settlement = contracts.settlement;
  domain = await domainOf(chain, 'InferenceSettlement', settlement);
  [operator, payer] = [chain.account(1), chain.account(2)];
  operatorKey = await registerOperator(chain, contracts, operator);
  const registered = await send(contracts.models.registerModel(id('weights'), `0x${'00'.repeat(32)}`, 0, 300, 'ipfs://weights', id('salt')));
  modelId = eventsOf(registered, contracts.models, 'ModelRegistered')[0].args.modelId;
  await send(contracts.operators.connect(operator).serve(modelId, 1, 1_000_000_000n));
  await send(contracts.token.connect(payer).mint(payer.address, parseEther('100')));
  await send(contracts.token.connect(payer).approve(await settlement.getAddress(), parseEther('100')));
  await send(settlement.connect(payer).deposit(payer.address, operator.address, parseEther('100')));
});

after(() => chain?.stop());

const randomAddress = () => hexlify(randomBytes(20));
const randomUint = (bytes) => toBigInt(randomBytes(bytes));
const owed = (cumulativeFee, cumulativeUnits) => ({
  payer: payer.address, operator: operator.address, modelId, cumulativeFee, cumulativeUnits,
});

async function settle(voucher, signature, root = id('receipts'), count = 1) {
  return send(settlement.connect(operator).settle([voucher], [signature], root, count, 0, 'ipfs://receipts'));
}

test('a voucher signed by ethers settles on chain', async () => {
  const voucher = owed(parseEther('10'), 1000n);
  const receipt = await settle(voucher, await payer.signTypedData(domain, VOUCHER, voucher));
  const [paid] = eventsOf(receipt, settlement, 'FeesSettled');
  assert.deepEqual(
    paid.args.toArray().slice(4),
    [1000n, parseEther('10'), parseEther('0.5'), parseEther('0.3')],
  );
  const lane = await settlement.lane(payer.address, operator.address, modelId);
  assert.equal(lane.fee, parseEther('10'));
  assert.equal(lane.units, 1000n);
});

test('a session key that ethers binds signs vouchers for its payer', async () => {
  const session = Wallet.createRandom();
  const proof = await session.signTypedData(domain, SIGNER_BINDING, { payer: payer.address, signer: session.address });
  const validUntil = (await chain.provider.getBlock('latest')).timestamp + 86_400;
  await send(settlement.connect(payer).authorizeSigner(session.address, validUntil, proof));
  const voucher = owed(parseEther('15'), 1500n);
  await settle(voucher, await session.signTypedData(domain, VOUCHER, voucher));
  assert.equal((await settlement.lane(payer.address, operator.address, modelId)).fee, parseEther('15'));
});

test('a voucher signed for another chain is skipped', async () => {
  const voucher = owed(parseEther('20'), 2000n);
  const elsewhere = { ...domain, chainId: domain.chainId + 1n };
  const receipt = await settle(voucher, await payer.signTypedData(elsewhere, VOUCHER, voucher));
  const [skipped] = eventsOf(receipt, settlement, 'VoucherSkipped');
  assert.equal(skipped.args.reason, 0n);
  assert.equal((await settlement.lane(payer.address, operator.address, modelId)).fee, parseEther('15'));
});

test('digests of random vouchers and session keys are those of the contract', async () => {
  for (let i = 0; i < RANDOM_INPUTS; i++) {
    const voucher = {
      payer: randomAddress(), operator: randomAddress(), modelId: hexlify(randomBytes(32)),
      cumulativeFee: i === 0 ? 2n ** 128n - 1n : randomUint(16), cumulativeUnits: i === 1 ? 2n ** 64n - 1n : randomUint(8),
    };
    assert.equal(await settlement.voucherDigest(voucher), TypedDataEncoder.hash(domain, VOUCHER, voucher));
    const binding = { payer: randomAddress(), signer: randomAddress() };
    assert.equal(
      await settlement.signerBindingDigest(binding.payer, binding.signer),
      TypedDataEncoder.hash(domain, SIGNER_BINDING, binding),
    );
  }
});

test('receipts signed by ethers are attributable, and their root is committed with the batch', async () => {
  const receipts = Array.from({ length: 7 }, (_, i) => ({
    requestId: id(`request ${i}`), modelId, version: 1, inputHash: id(`input ${i}`), outputHash: id(`output ${i}`),
    payer: payer.address, servedAt: 1_790_000_000n + BigInt(i), latencyMs: 20 + i, fee: parseEther('1'),
  }));
  for (const receipt of receipts) {
    const signature = await operatorKey.signTypedData(domain, RECEIPT, receipt);
    const { operator: signer } = await contracts.operators.keyBinding(verifyTypedData(domain, RECEIPT, receipt, signature));
    assert.equal(signer, operator.address);
  }

  const fields = RECEIPT.Receipt;
  const types = fields.map(({ type }) => type);
  const leaves = receipts.map((receipt) => fields.map(({ name }) => receipt[name]));
  const tree = StandardMerkleTree.of(leaves, types);
  const twice = (leaf) => keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(types, leaf)));
  for (const [i, leaf] of tree.entries()) {
    assert.equal(tree.leafHash(leaf), twice(leaf));
    assert.equal(rootOf(twice(leaf), tree.getProof(i)), tree.root);
  }

  const voucher = owed(parseEther('22'), 2200n);
  const mined = await settle(voucher, await payer.signTypedData(domain, VOUCHER, voucher), tree.root, receipts.length);
  const [batch] = eventsOf(mined, settlement, 'BatchSettled');
  assert.equal(batch.args.receiptsRoot, tree.root);
  // The event and its block tell the whole batch: whoever follows the chain can have it released.
  const { batchId, earned, risk } = batch.args;
  const { timestamp } = await chain.provider.getBlock(mined.blockNumber);
  const terms = {
    operator: operator.address, settledAt: timestamp, settledBlock: mined.blockNumber, receiptCount: receipts.length,
    receiptsRoot: tree.root, earned, risk,
  };
  const commitment = (released) =>
    keccak256(AbiCoder.defaultAbiCoder().encode(['uint256', BATCH, 'bool'], [batchId, terms, released]));
  assert.equal(await settlement.batchCommitment(batchId), commitment(false));
  assert.ok(await settlement.isBatch(batchId, terms, false));
  const { locked } = await settlement.earnings(operator.address);
  const released = await send(settlement.connect(chain.account(0)).release(batchId, terms));
  assert.deepEqual(
    eventsOf(released, settlement, 'BatchReleased')[0].args.toArray(),
    [operator.address, batchId, risk, earned],
  );
  assert.equal(await settlement.batchCommitment(batchId), commitment(true));
  assert.equal((await settlement.earnings(operator.address)).locked, locked + earned);
});

/** Folds a Merkle proof whose pairs are hashed in ascending order. */
function rootOf(leaf, proof) {
  return proof.reduce((node, sibling) => keccak256(concat(node < sibling ? [node, sibling] : [sibling, node])), leaf);
}
