// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBeaconVerifier} from "../../src/interfaces/IBeaconVerifier.sol";
import {IReceiptVerifier} from "../../src/interfaces/IReceiptVerifier.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";

/// @notice Takes for evidence the hash of what it should have been given.
contract TestVerifier is IReceiptVerifier, IBeaconVerifier {
    function verify(IReceipts.Receipt calldata receipt, address signer, bytes32 weightsDigest, bytes calldata evidence)
        external
        pure
        returns (bool)
    {
        return keccak256(evidence) == keccak256(abi.encode(receipt.outputHash, signer, weightsDigest));
    }

    /// @notice A beacon whose signature of a round begins with its number.
    function verify(uint64 round, bytes calldata signature) external pure returns (bool) {
        return signature.length == 40 && bytes8(signature[:8]) == bytes8(round);
    }
}
