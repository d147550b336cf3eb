// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBeaconVerifier} from "./interfaces/IBeaconVerifier.sol";
import {IDrandRandomness} from "./interfaces/IDrandRandomness.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";

/// @title DrandRandomness
/// @notice Behaviour, units and errors are documented on `IDrandRandomness`.
contract DrandRandomness is IDrandRandomness {
    uint64 private constant MAX_MARGIN = 1 days;

    IBeaconVerifier private immutable VERIFIER;
    uint64 private immutable GENESIS;
    uint64 private immutable PERIOD;
    uint64 private immutable MARGIN;

    mapping(uint64 round => bytes32) private _seeds;

    constructor(Beacon memory beacon_) {
        require(
            beacon_.verifier.code.length != 0 && beacon_.genesis != 0 && beacon_.period != 0
                && beacon_.margin <= MAX_MARGIN,
            DrandRandomness_BeaconInvalid()
        );
        VERIFIER = IBeaconVerifier(beacon_.verifier);
        GENESIS = beacon_.genesis;
        PERIOD = beacon_.period;
        MARGIN = beacon_.margin;
        emit DrandRandomnessConfigured(beacon_);
    }

    /// @inheritdoc IDrandRandomness
    function record(uint64 round, bytes calldata signature) external returns (bytes32 value) {
        require(_seeds[round] == bytes32(0), DrandRandomness_AlreadyRecorded(round));
        require(VERIFIER.verify(round, signature), DrandRandomness_InvalidSignature(round));
        value = sha256(signature);
        _seeds[round] = value;
        emit SeedRecorded(round, value, msg.sender);
    }

    /// @inheritdoc IRandomness
    function roundFor(uint64 timestamp, uint64) external view returns (uint64 round) {
        uint64 earliest = timestamp + MARGIN;
        if (earliest < GENESIS) return 1;
        // Round `r` is signed at `GENESIS + (r - 1) PERIOD`; the one at `earliest` itself may be known already.
        return (earliest - GENESIS) / PERIOD + 2;
    }

    /// @inheritdoc IRandomness
    function seed(uint64 round) external view returns (Status status, bytes32 value) {
        value = _seeds[round];
        status = value == bytes32(0) ? Status.Pending : Status.Ready;
    }

    /// @inheritdoc IRandomness
    function biasable() external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IDrandRandomness
    function beacon() external view returns (Beacon memory) {
        return Beacon({verifier: address(VERIFIER), genesis: GENESIS, period: PERIOD, margin: MARGIN});
    }
}
