// Writes vectors.json: what OpenZeppelin's merkle-tree and ethers' EIP-712 encoder make of fixed inputs.
// Run `node protocol/tests/data/vectors.mjs` after a change of a signed type.
import { writeFileSync } from 'node:fs';
import { StandardMerkleTree } from '@openzeppelin/merkle-tree';
import { TypedDataEncoder, id, keccak256, toBeHex } from 'ethers';

const RECEIPT = [
  ['bytes32', 'requestId'], ['bytes32', 'modelId'], ['uint32', 'version'], ['bytes32', 'inputHash'],
  ['bytes32', 'outputHash'], ['address', 'payer'], ['uint64', 'servedAt'], ['uint32', 'latencyMs'], ['uint128', 'fee'],
];
const CHAIN_ID = 31337;
const SETTLEMENT = '0x00000000000000000000000000000000000000a1';
const REGISTRY = '0x00000000000000000000000000000000000000a2';
const LEDGER = '0x00000000000000000000000000000000000000a3';

const address = (label) => '0x' + id(label).slice(-40);

function receipt(i) {
  return {
    requestId: id(`request ${i}`), modelId: id(`model ${i % 3}`), version: 1 + (i % 2), inputHash: id(`input ${i}`),
    outputHash: id(`output ${i}`), payer: address(`payer ${i % 5}`), servedAt: String(1_790_000_000 + i),
    latencyMs: 20 + i, fee: String(10n ** 18n * BigInt(i) + 7n),
  };
}

function tree(count) {
  const receipts = Array.from({ length: count }, (_, i) => receipt(i));
  const values = receipts.map((r) => RECEIPT.map(([, name]) => r[name]));
  const merkle = StandardMerkleTree.of(values, RECEIPT.map(([type]) => type));
  return { receipts, root: merkle.root, proofs: values.map((_, i) => merkle.getProof(i)) };
}

function signed(name, contract, verifyingContract, fields, message) {
  const types = { [name]: fields.map(([type, field]) => ({ type, name: field })) };
  const domain = { name: `Plumbline ${contract}`, version: '1', chainId: CHAIN_ID, verifyingContract };
  const encoder = TypedDataEncoder.from(types);
  return { type: encoder.encodeType(name), message, digest: TypedDataEncoder.hash(domain, types, message) };
}

const bitmap = (label, words) => Array.from({ length: words }, (_, i) => keccak256(toBeHex(i, 32) + id(label).slice(2)));

const vectors = {
  chainId: CHAIN_ID, settlement: SETTLEMENT, registry: REGISTRY, ledger: LEDGER,
  trees: [1, 2, 3, 7, 8, 33].map(tree),
  receipt: signed('Receipt', 'InferenceSettlement', SETTLEMENT, RECEIPT, receipt(4)),
  voucher: signed('Voucher', 'InferenceSettlement', SETTLEMENT, [
    ['address', 'payer'], ['address', 'operator'], ['bytes32', 'modelId'], ['uint128', 'cumulativeFee'],
    ['uint64', 'cumulativeUnits'],
  ], {
    payer: address('payer'), operator: address('operator'), modelId: id('model'),
    cumulativeFee: String(2n ** 128n - 1n), cumulativeUnits: String(2n ** 64n - 1n),
  }),
  signerBinding: signed('SignerBinding', 'InferenceSettlement', SETTLEMENT, [['address', 'payer'], ['address', 'signer']],
    { payer: address('payer'), signer: address('session') }),
  keyBinding: signed('KeyBinding', 'OperatorRegistry', REGISTRY, [['address', 'operator'], ['address', 'key']],
    { operator: address('operator'), key: address('key') }),
  uptimeReport: signed('UptimeReport', 'UptimeLedger', LEDGER, [
    ['uint64', 'period'], ['uint256[]', 'observed'], ['uint256[]', 'up'], ['bytes32', 'evidenceRoot'],
  ], { period: '12', observed: bitmap('observed', 12), up: bitmap('up', 12), evidenceRoot: id('evidence') }),
};

writeFileSync(new URL('vectors.json', import.meta.url), JSON.stringify(vectors, null, 1) + '\n');
