// Signs the transactions of an unsigned file with ethers, as an offline signer would: `node sign.mjs FILE`, key in SIGNER_KEY.
// Prints one raw transaction a line.
import { readFileSync } from 'node:fs';
import { Transaction, Wallet } from 'ethers';

const wallet = new Wallet(process.env.SIGNER_KEY);
const file = JSON.parse(readFileSync(process.argv[2], 'utf8'));

for (const fields of file.transactions) {
  // What is shown to the person who signs has to be what is signed.
  const transaction = Transaction.from(fields.unsigned_rlp);
  const shown = Transaction.from({
    type: 2, chainId: fields.chain_id, nonce: fields.nonce, to: fields.to, value: fields.value,
    gasLimit: fields.gas_limit, maxFeePerGas: fields.max_fee_per_gas,
    maxPriorityFeePerGas: fields.max_priority_fee_per_gas, data: fields.input,
  });
  if (shown.unsignedSerialized !== transaction.unsignedSerialized) throw new Error(`${fields.step}: fields differ`);
  if (transaction.unsignedHash !== fields.signing_hash) throw new Error(`${fields.step}: hashes differ`);
  transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
  console.log(transaction.serialized);
}
