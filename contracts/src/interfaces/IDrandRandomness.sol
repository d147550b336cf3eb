// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRandomness} from "./IRandomness.sol";

/// @title Seeds from a drand beacon
/// @notice The round of a commitment is the first that the beacon signs more than `MARGIN` seconds after it; the seed is the
///         SHA-256 of its signature, as drand defines it. Nobody can bias it, and it never expires.
interface IDrandRandomness is IRandomness {
    /// @param verifier An `IBeaconVerifier` of this beacon.
    /// @param genesis Unix seconds of round 1.
    /// @param period Seconds between rounds.
    /// @param margin Seconds for clocks to differ.
    struct Beacon {
        address verifier;
        uint64 genesis;
        uint64 period;
        uint64 margin;
    }

    /// @notice The seed of a round is known from here on.
    event SeedRecorded(uint64 indexed round, bytes32 value, address recorder);

    /// @notice Emitted once, at deployment.
    event DrandRandomnessConfigured(Beacon beacon);

    error DrandRandomness_BeaconInvalid();
    error DrandRandomness_AlreadyRecorded(uint64 round);
    error DrandRandomness_InvalidSignature(uint64 round);

    /// @notice The beacon, fixed at deployment.
    function beacon() external view returns (Beacon memory);

    /// @notice Records the seed of a round. Anyone may call.
    function record(uint64 round, bytes calldata signature) external returns (bytes32 value);
}
