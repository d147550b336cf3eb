// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title What an operator signs for each inference it serves
interface IReceipts {
    /// @notice EIP-712 `Receipt(bytes32 requestId,bytes32 modelId,uint32 version,bytes32 inputHash,bytes32 outputHash,address
    ///         payer,uint64 servedAt,uint32 latencyMs,uint128 fee)` in the domain of the settlement, signed by the operator's
    ///         key at serving time. As a leaf of a batch's tree: `keccak256(keccak256(abi.encode(receipt)))`.
    /// @param servedAt Unix seconds.
    /// @param latencyMs Milliseconds from request to last byte.
    /// @param fee Fee-token base units.
    struct Receipt {
        bytes32 requestId;
        bytes32 modelId;
        uint32 version;
        bytes32 inputHash;
        bytes32 outputHash;
        address payer;
        uint64 servedAt;
        uint32 latencyMs;
        uint128 fee;
    }
}
