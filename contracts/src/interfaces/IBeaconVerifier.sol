// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Verifier of a drand beacon's signatures
interface IBeaconVerifier {
    /// @notice True when `signature` is the beacon's signature of `round`.
    /// @dev A round has one signature only, so the verifier must refuse every encoding of it but one: else who records it
    ///      chooses among seeds.
    function verify(uint64 round, bytes calldata signature) external view returns (bool);
}
