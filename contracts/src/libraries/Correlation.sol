// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PopCount} from "./PopCount.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What a fault costs more when many are at fault at once
/// @notice Two measures. Downtime is compared with its own running average, in time. Faults that a judge finds are weighed
///         by the part of all stake that is at fault within a window, as Ethereum weighs slashings
///         (`process_slashings` of the consensus specification: three times the part, at most the whole).
library Correlation {
    uint256 internal constant BPS = 10_000;
    /// @dev Below a tenth of a percent an average says nothing.
    uint256 internal constant LEAST_AVERAGE_BPS = 10;
    /// @dev A factor below one would make outages free after a long one.
    uint256 internal constant LEAST_FACTOR_BPS = 10_000;
    uint256 internal constant MOST_FACTOR_BPS = 40_000;
    uint256 private constant MULTIPLIER = 3;
    /// @dev A period weighs 1/256 in the average, whose lowest eight bits are a fraction.
    uint256 private constant MEMORY_BITS = 8;

    /// @notice Share of observed operator-slots that were missed, basis points rounded down; 0 when none was observed.
    /// @param operatorCount Operators that are watched, not zero. A result may have bits beyond them, which count nothing.
    /// @param observed Result words of a period, `ceil(operatorCount / 256)` for each slot.
    /// @param up As many.
    function missedBps(uint256 operatorCount, uint256[] calldata observed, uint256[] calldata up)
        internal
        pure
        returns (uint256)
    {
        uint256 words = (operatorCount + 255) >> 8;
        uint256 lastWord = type(uint256).max >> (words * 256 - operatorCount);
        (uint256 seen, uint256 missed) = (0, 0);
        for (uint256 i = 0; i < observed.length; ++i) {
            uint256 votes = i % words == words - 1 ? observed[i] & lastWord : observed[i];
            seen += PopCount.ones(votes);
            missed += PopCount.ones(votes & ~up[i]);
        }
        return seen == 0 ? 0 : missed * BPS / seen;
    }

    /// @notice Running average of what was missed, basis points, at least 10: `max(10, ewma >> 8)`.
    function averageBps(uint256 ewma) internal pure returns (uint256) {
        return Math.max(LEAST_AVERAGE_BPS, ewma >> MEMORY_BITS);
    }

    /// @notice How many times the average was missed, basis points rounded down, from 10,000 to 40,000.
    function factorBps(uint256 missed, uint256 average) internal pure returns (uint256) {
        return Math.min(Math.max(missed * BPS / average, LEAST_FACTOR_BPS), MOST_FACTOR_BPS);
    }

    /// @notice The average after one more period: `ewma + min(missed, 4 average) - (ewma >> 8)`. However
    ///         much of the network one period misses, it moves the average by little.
    function next(uint256 ewma, uint256 missed) internal pure returns (uint256) {
        return ewma - (ewma >> MEMORY_BITS) + Math.min(missed, 4 * averageBps(ewma));
    }

    /// @notice Ethereum's correlation penalty on `stake` while `atFault` of `total` is at fault:
    ///         `floor(floor(stake / increment) * min(3 atFault, total) / total) * increment`; 0 when there is no stake.
    /// @param increment What a penalty is a multiple of: 1 for a penalty to the base unit.
    function penalty(uint256 stake, uint256 atFault, uint256 total, uint256 increment) internal pure returns (uint256) {
        if (total == 0) return 0;
        uint256 adjusted = Math.min(Math.saturatingMul(MULTIPLIER, atFault), total);
        return Math.mulDiv(stake / increment, adjusted, total) * increment;
    }
}
