// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBlockRandomness} from "./interfaces/IBlockRandomness.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

/// @title BlockRandomness
/// @notice Behaviour, units and errors are documented on `IBlockRandomness`.
contract BlockRandomness is IBlockRandomness {
    /// @dev A block's `prevrandao` is known to the proposers of its slot's predecessor.
    uint64 private constant MIN_DELAY = 2;
    uint64 private constant MAX_DELAY = 128;
    uint64 private constant MIN_WINDOW = 32;
    /// @dev Block hashes that every chain keeps, and those that EIP-2935 keeps.
    uint64 private constant NATIVE_HISTORY = 256;
    uint64 private constant STORED_HISTORY = 8191;

    uint64 public immutable DELAY;
    uint64 public immutable WINDOW;

    mapping(uint64 round => bytes32) private _seeds;

    constructor(uint64 delay, uint64 window) {
        _requireWithin(delay, MIN_DELAY, MAX_DELAY);
        bool isStored = Blockhash.HISTORY_STORAGE_ADDRESS.code.length != 0;
        _requireWithin(window, MIN_WINDOW, isStored ? STORED_HISTORY : NATIVE_HISTORY);
        DELAY = delay;
        WINDOW = window;
        emit BlockRandomnessConfigured(delay, window);
    }

    /// @inheritdoc IBlockRandomness
    function record(uint64 round, bytes calldata header) external returns (bytes32 value) {
        require(block.number > round, BlockRandomness_NotMined(round));
        require(block.number - round <= WINDOW, BlockRandomness_RoundExpired(round));
        require(_seeds[round] == bytes32(0), BlockRandomness_AlreadyRecorded(round));
        bytes32 blockHash = Blockhash.blockHash(round);
        bytes32 headerHash = keccak256(header);
        require(
            headerHash == blockHash && blockHash != bytes32(0),
            BlockRandomness_WrongHeader(round, headerHash, blockHash)
        );
        value = BlockHeader.getPrevRandao(header);
        _seeds[round] = value;
        emit SeedRecorded(round, value, msg.sender);
    }

    /// @inheritdoc IRandomness
    function roundFor(uint64, uint64 blockNumber) external view returns (uint64 round) {
        return blockNumber + DELAY;
    }

    /// @inheritdoc IRandomness
    function seed(uint64 round) external view returns (Status status, bytes32 value) {
        value = _seeds[round];
        if (value != bytes32(0)) return (Status.Ready, value);
        return (block.number > uint256(round) + WINDOW ? Status.Expired : Status.Pending, bytes32(0));
    }

    /// @inheritdoc IRandomness
    function biasable() external pure returns (bool) {
        return true;
    }

    function _requireWithin(uint64 value, uint64 min, uint64 max) private pure {
        require(value >= min && value <= max, BlockRandomness_ParameterOutOfRange(value, min, max));
    }
}
