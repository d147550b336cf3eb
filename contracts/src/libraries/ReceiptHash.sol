// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IReceipts} from "../interfaces/IReceipts.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title The two hashes of a receipt: what its operator signs, and what its batch's tree holds
library ReceiptHash {
    bytes32 private constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 requestId,bytes32 modelId,uint32 version,bytes32 inputHash,bytes32 outputHash,address payer,uint64 servedAt,uint32 latencyMs,uint128 fee)"
    );
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("Plumbline InferenceSettlement");
    bytes32 private constant VERSION_HASH = keccak256("1");

    /// @notice EIP-712 struct hash; the receipt's identity.
    function structHash(IReceipts.Receipt calldata receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, receipt));
    }

    /// @notice Leaf of an OpenZeppelin standard Merkle tree.
    function leaf(IReceipts.Receipt calldata receipt) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(receipt))));
    }

    /// @notice EIP-712 digest of a receipt in the domain of the settlement on this chain, read anew at each call, so that
    ///         the two sides of a fork differ.
    function digest(bytes32 receiptHash, address settlement) internal view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, settlement));
        return MessageHashUtils.toTypedDataHash(domain, receiptHash);
    }
}
