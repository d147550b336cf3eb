// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IReceipts} from "./IReceipts.sol";

/// @title Verifier of one model version's outputs
/// @notice What a publisher binds to a version: it checks an attestation (of a TEE, say) or a proof (a ZK proof, say) that
///         the receipt's output is what these weights give for its input.
interface IReceiptVerifier {
    /// @notice True when the evidence shows that the receipt is right.
    /// @param receipt Receipt in question.
    /// @param signer Key that signed it.
    /// @param weightsDigest SHA-256 of the version's weights.
    /// @param evidence Attestation or proof, in the verifier's own format.
    function verify(IReceipts.Receipt calldata receipt, address signer, bytes32 weightsDigest, bytes calldata evidence)
        external
        view
        returns (bool);
}
