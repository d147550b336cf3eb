// Receipts and their place in a batch's tree as a second implementation makes them, against the audit contracts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StandardMerkleTree } from '@openzeppelin/merkle-tree';
import {
  TypedDataEncoder, ZeroHash, concat, hexlify, keccak256, parseEther, randomBytes, toBeHex, toBigInt,
} from 'ethers';
import { RECEIPT, deploy, deployAudits, domainOf, startChain } from './chain.mjs';

const RANDOM_INPUTS = 40;
const MAX_RECEIPTS = 40;

let chain;
let docket;
let auditor;
let domain;

before(async () => {
  chain = await startChain();
  const contracts = await deploy(chain);
  ({ docket, auditor } = await deployAudits(chain, contracts));
  domain = await domainOf(chain, 'InferenceSettlement', contracts.settlement);
});

after(() => chain?.stop());

const randomUint = (bytes) => toBigInt(randomBytes(bytes));
const randomReceipt = () => ({
  requestId: hexlify(randomBytes(32)), modelId: hexlify(randomBytes(32)), version: randomUint(4),
  inputHash: hexlify(randomBytes(32)), outputHash: hexlify(randomBytes(32)), payer: hexlify(randomBytes(20)),
  servedAt: randomUint(8), latencyMs: randomUint(4), fee: randomUint(16),
});
const valuesOf = (receipt) => RECEIPT.Receipt.map(({ name }) => receipt[name]);

test('digests of random receipts are those that ethers signs', async () => {
  for (let i = 0; i < RANDOM_INPUTS; i++) {
    const receipt = randomReceipt();
    assert.equal(await docket.receiptDigest(receipt), TypedDataEncoder.hash(domain, RECEIPT, receipt));
  }
});

test('the identity of a deed binds fault, operator and receipt', async () => {
  for (let i = 0; i < RANDOM_INPUTS; i++) {
    const operator = hexlify(randomBytes(20));
    const receiptHash = TypedDataEncoder.hashStruct('Receipt', RECEIPT, randomReceipt());
    const wrongOutput = toBeHex(2, 32);
    const expected = keccak256(concat([wrongOutput, toBeHex(operator, 32), receiptHash]));
    assert.equal(await docket.offenceOf(operator, receiptHash), expected);
  }
});

test('random paths down random trees end at the leaf that a walk with the library finds, and at no other', async () => {
  for (let i = 0; i < RANDOM_INPUTS; i++) {
    const count = i < 4 ? i + 1 : 1 + Number(randomUint(2) % BigInt(MAX_RECEIPTS));
    const receipts = Array.from({ length: count }, randomReceipt);
    const tree = StandardMerkleTree.of(receipts.map(valuesOf), RECEIPT.Receipt.map(({ type }) => type));
    const path = randomUint(32);
    const { position, proof } = walk(tree, path);
    const isLeafAt = (at, siblings) =>
      auditor.isLeafAt(tree.root, count, toBeHex(path, 32), receipts[at], siblings);
    assert.equal(await isLeafAt(position, proof), true);
    const other = (position + 1) % count;
    if (other !== position) {
      assert.equal(await isLeafAt(other, tree.getProof(other)), false);
      assert.equal(await isLeafAt(position, proof.slice(1)), false);
      assert.equal(await isLeafAt(position, [ZeroHash, ...proof.slice(1)]), false);
    }
  }
});

/** Goes down the tree by the bits of the path, the lowest first: to the smaller child for 0, to the larger for 1. */
function walk(standardTree, path) {
  const { tree, values } = standardTree.dump();
  const proof = [];
  let node = 0;
  for (let depth = 0n; 2 * node + 1 < tree.length; depth++) {
    const [smaller, larger] = [2 * node + 1, 2 * node + 2].sort((a, b) => (tree[a] < tree[b] ? -1 : 1));
    const toLarger = (path >> depth) & 1n;
    proof.unshift(tree[toLarger ? smaller : larger]);
    node = toLarger ? larger : smaller;
  }
  return { position: values.findIndex(({ treeIndex }) => treeIndex === node), proof };
}
