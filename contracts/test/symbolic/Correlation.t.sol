// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Correlation} from "../../src/libraries/Correlation.sol";
import {Test} from "forge-std/Test.sol";

/// @notice No outage is free, none costs more than four times, and no penalty is more than the stake. Run by halmos, with
///         `math/Math.sol` for divisions.
contract CorrelationSymbolic is Test {
    function check_TheFactorIsWithinItsBounds(uint16 missed, uint32 ewma) external pure {
        vm.assume(missed <= 10_000);
        uint256 factor = Correlation.factorBps(missed, Correlation.averageBps(ewma));
        assert(factor >= 10_000 && factor <= 40_000);
    }

    /// @dev One period moves the average by at most a 64th of it, or by 40 of 256 parts of a basis point.
    function check_NoPeriodMovesTheAverageFar(uint16 missed, uint32 ewma) external pure {
        vm.assume(missed <= 10_000);
        uint256 next = Correlation.next(ewma, missed);
        assert(next <= uint256(ewma) + 4 * Correlation.averageBps(ewma));
        assert(next + (ewma >> 8) >= ewma);
    }

    function check_NoPenaltyIsMoreThanTheStake(uint32 stake, uint32 atFault, uint32 total) external pure {
        unchecked {
            uint256 penalty = Correlation.penalty(stake, atFault, total, 1);
            assert(penalty <= stake);
            assert(penalty * total <= 3 * uint256(stake) * atFault);
        }
    }
}
