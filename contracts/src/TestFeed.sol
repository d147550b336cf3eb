// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAggregatorV3} from "./interfaces/IAggregatorV3.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Price feed whose owner says the price, for networks without a feed of their own
/// @notice As trustworthy as its owner, and meant for stake that is worthless by design.
contract TestFeed is IAggregatorV3, Ownable {
    /// @inheritdoc IAggregatorV3
    uint8 public immutable decimals;

    uint80 private _roundId;
    uint64 private _updatedAt;
    int256 private _answer;

    /// @notice A new answer.
    event AnswerUpdated(int256 indexed answer, uint256 indexed roundId, uint256 updatedAt);

    constructor(address owner, uint8 decimals_, int256 answer) Ownable(owner) {
        decimals = decimals_;
        _setAnswer(answer);
    }

    /// @notice Answers anew. By the owner.
    function setAnswer(int256 answer) external onlyOwner {
        _setAnswer(answer);
    }

    /// @inheritdoc IAggregatorV3
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (_roundId, _answer, _updatedAt, _updatedAt, _roundId);
    }

    function _setAnswer(int256 answer) private {
        uint80 roundId = _roundId + 1;
        (_roundId, _updatedAt, _answer) = (roundId, uint64(block.timestamp), answer);
        emit AnswerUpdated(answer, roundId, block.timestamp);
    }
}
