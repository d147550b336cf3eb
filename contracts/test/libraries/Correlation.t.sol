// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Correlation} from "../../src/libraries/Correlation.sol";
import {Test} from "forge-std/Test.sol";

contract CorrelationTest is Test {
    /// @dev The library takes calldata.
    function missedBps(uint256 operatorCount, uint256[] calldata observed, uint256[] calldata up)
        external
        pure
        returns (uint256)
    {
        return Correlation.missedBps(operatorCount, observed, up);
    }

    // What a period missed.

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_WhatIsMissedIsCountedAsOperatorByOperator(uint256 seed, uint256 operatorCount, uint256 slots)
        public
        view
    {
        operatorCount = bound(operatorCount, 1, 600);
        slots = bound(slots, 1, 4);
        uint256 words = (operatorCount + 255) / 256;
        uint256[] memory observed = new uint256[](slots * words);
        uint256[] memory up = new uint256[](slots * words);
        for (uint256 i = 0; i < observed.length; ++i) {
            observed[i] = uint256(keccak256(abi.encode(seed, "observed", i)));
            up[i] = uint256(keccak256(abi.encode(seed, "up", i)));
        }
        (uint256 seen, uint256 missed) = (0, 0);
        for (uint256 slot = 0; slot < slots; ++slot) {
            for (uint256 index = 0; index < operatorCount; ++index) {
                uint256 position = slot * words + index / 256;
                if ((observed[position] >> (index % 256)) & 1 == 0) continue;
                ++seen;
                if ((up[position] >> (index % 256)) & 1 == 0) ++missed;
            }
        }

        assertEq(this.missedBps(operatorCount, observed, up), seen == 0 ? 0 : missed * 10_000 / seen);
    }

    /// @dev Not even where the operators fill their words exactly.
    function test_BitsBeyondTheOperatorsCountNothing() public view {
        uint256[] memory observed = new uint256[](2);
        uint256[] memory up = new uint256[](2);
        (observed[0], observed[1]) = (type(uint256).max, type(uint256).max);
        (up[0], up[1]) = (0x1f, 0x0f);
        assertEq(this.missedBps(5, observed, up), 1000);
        assertEq(this.missedBps(256, observed, up), uint256(503 * 10_000) / 512);
    }

    function test_NothingObservedIsNothingMissed() public view {
        assertEq(this.missedBps(5, new uint256[](3), new uint256[](3)), 0);
    }

    // The factor and the running average.

    function testFuzz_TheFactorIsFromOneToFour(uint256 missed, uint256 ewma) public pure {
        missed = bound(missed, 0, 10_000);
        ewma = bound(ewma, 0, 10_000 << 8);
        uint256 average = Correlation.averageBps(ewma);

        uint256 factor = Correlation.factorBps(missed, average);

        assertGe(average, 10);
        assertGe(factor, 10_000);
        assertLe(factor, 40_000);
        if (missed <= average) assertEq(factor, 10_000);
        else if (missed >= 4 * average) assertEq(factor, 40_000);
        else assertEq(factor, missed * 10_000 / average);
        assertGe(Correlation.factorBps(missed + 1, average), factor);
        assertLe(Correlation.factorBps(missed, average + 1), factor);
    }

    /// @dev It stays a share, and one period moves it by little.
    function testFuzz_TheAverageMovesByLittle(uint256 missed, uint256 ewma) public pure {
        missed = bound(missed, 0, 10_000);
        ewma = bound(ewma, 0, 10_000 << 8);

        uint256 next = Correlation.next(ewma, missed);

        assertLe(next >> 8, 10_000);
        assertLe(next, ewma + 4 * Correlation.averageBps(ewma));
        assertGe(next, ewma - (ewma >> 8));
        if (missed > ewma >> 8) assertGt(next, ewma);
        if (missed == ewma >> 8) assertEq(next, ewma);
        if (missed < ewma >> 8) assertLt(next, ewma);
    }

    /// @dev Worked by hand from `ewma + min(missed, 4 max(10, ewma >> 8)) - (ewma >> 8)`.
    function test_VectorsOfTheAverage() public pure {
        assertEq(Correlation.next(0, 0), 0);
        assertEq(Correlation.next(0, 39), 39);
        assertEq(Correlation.next(0, 10_000), 40);
        assertEq(Correlation.next(2559, 10_000), 2559 - 9 + 40);
        assertEq(Correlation.next(2816, 10_000), 2816 - 11 + 44);
        assertEq(Correlation.next(2816, 20), 2816 - 11 + 20);
        assertEq(Correlation.next(256_000, 0), 255_000);
        assertEq(Correlation.averageBps(2815), 10);
        assertEq(Correlation.averageBps(2816), 11);
        assertEq(Correlation.factorBps(15, 10), 15_000);
        assertEq(Correlation.factorBps(20, 11), 18_181);
    }

    /// @dev Where as much is missed in every period, the average becomes that, and the factor one.
    function testFuzz_TheAverageComesToWhatIsUsual(uint256 missed) public pure {
        missed = bound(missed, 10, 10_000);
        uint256 ewma = 0;
        for (uint256 i = 0; i < 4000; ++i) {
            ewma = Correlation.next(ewma, missed);
        }
        assertEq(Correlation.averageBps(ewma), missed);
        assertEq(Correlation.factorBps(missed, Correlation.averageBps(ewma)), 10_000);
    }

    // Stake at fault.

    /// @dev Of a million validators of 32 ETH each, in increments of 1 ETH, as in Ethereum.
    function test_VectorsOfEthereum() public pure {
        assertEq(_ethereum(10_416), 0);
        assertEq(_ethereum(10_417), 1 ether);
        assertEq(_ethereum(100_000), 9 ether);
        assertEq(_ethereum(333_333), 31 ether);
        assertEq(_ethereum(333_334), 32 ether);
        assertEq(_ethereum(1_000_000), 32 ether);
    }

    function _ethereum(uint256 slashed) private pure returns (uint256) {
        return Correlation.penalty(32 ether, slashed * 32 ether, 1e6 * 32 ether, 1 ether);
    }

    function testFuzz_ThePenaltyIsThreeTimesTheShareAtMostTheWhole(uint256 stake, uint256 atFault, uint256 total)
        public
        pure
    {
        stake = bound(stake, 0, 2 ** 120);
        total = bound(total, 1, 2 ** 120);
        atFault = bound(atFault, 0, total);

        uint256 penalty = Correlation.penalty(stake, atFault, total, 1);

        assertLe(penalty, stake);
        if (3 * atFault >= total) {
            assertEq(penalty, stake);
        } else {
            assertLe(penalty * total, stake * 3 * atFault);
            assertGt((penalty + 1) * total, stake * 3 * atFault);
        }
    }

    /// @dev Stake that was counted may have left since, so that more seems to be at fault than there is.
    function testFuzz_NoSizeOverflows(uint256 stake, uint256 atFault, uint256 total, uint256 increment) public pure {
        increment = bound(increment, 1, type(uint256).max);
        uint256 penalty = Correlation.penalty(stake, atFault, total, increment);
        assertLe(penalty, stake);
        assertEq(penalty % increment, 0);
    }

    function testFuzz_MoreAtFaultNeverCostsLess(uint256 stake, uint256 atFault, uint256 more, uint256 total)
        public
        pure
    {
        more = bound(more, atFault, type(uint256).max);
        assertGe(Correlation.penalty(stake, more, total, 1), Correlation.penalty(stake, atFault, total, 1));
    }

    function testFuzz_NoStakeNoPenalty(uint256 stake, uint256 atFault) public pure {
        assertEq(Correlation.penalty(stake, atFault, 0, 1), 0);
        assertEq(Correlation.penalty(stake, 0, stake, 1), 0);
    }
}
