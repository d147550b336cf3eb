// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRandomness} from "./IRandomness.sol";

/// @title Seeds from the chain's own randomness
/// @notice A round is a block number, `DELAY` after the block of the commitment; its seed is that block's `prevrandao`, which
///         anybody proves by the block's header while its hash is known. A proposer can skip its block, and so choose between
///         two seeds: the source is biasable by one bit.
interface IBlockRandomness is IRandomness {
    /// @notice The seed of a round is known from here on.
    event SeedRecorded(uint64 indexed round, bytes32 value, address recorder);

    /// @notice Emitted once, at deployment.
    event BlockRandomnessConfigured(uint64 delay, uint64 window);

    error BlockRandomness_ParameterOutOfRange(uint64 value, uint64 min, uint64 max);
    error BlockRandomness_NotMined(uint64 round);
    error BlockRandomness_RoundExpired(uint64 round);
    error BlockRandomness_AlreadyRecorded(uint64 round);
    error BlockRandomness_WrongHeader(uint64 round, bytes32 headerHash, bytes32 blockHash);

    /// @notice Blocks between a commitment and the block that seeds it; at least 2.
    function DELAY() external view returns (uint64);

    /// @notice Blocks after its own in which a seed can be recorded; it expires with them.
    function WINDOW() external view returns (uint64);

    /// @notice Records the seed of a round. Anyone may call.
    /// @param round Number of the block.
    /// @param header Its header, RLP-encoded.
    function record(uint64 round, bytes calldata header) external returns (bytes32 value);
}
