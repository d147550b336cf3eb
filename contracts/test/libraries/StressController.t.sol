// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StressController} from "../../src/libraries/StressController.sol";
import {Test} from "forge-std/Test.sol";

contract StressControllerTest is Test {
    /// @dev Stress 500, then 6,000 for 30 steps from step 50: up at once to 34,000, and back below 13,000 by step 128.
    function test_TheTrajectoryOfAShock() public pure {
        uint256 multiplier = 10_000;
        uint256 peak = 0;
        for (uint256 step = 0; step <= 128; ++step) {
            multiplier = StressController.next(multiplier, step >= 50 && step < 80 ? 6000 : 500);
            if (multiplier > peak) peak = multiplier;
            if (step == 49) assertEq(multiplier, 12_000);
            if (step == 50) assertEq(multiplier, 34_000);
            if (step == 79) assertEq(multiplier, 34_000);
        }
        assertEq(peak, 34_000);
        assertLt(multiplier, 13_000);
    }

    function testFuzz_TheMultiplierStaysWithinItsBounds(uint256 multiplier, uint256 stress) public pure {
        multiplier = bound(multiplier, 10_000, 50_000);
        stress = bound(stress, 0, 10_000);
        uint256 next = StressController.next(multiplier, stress);
        assertLe(next, 50_000);
        assertGe(next, 10_000 + 4 * stress);
        // Never down by more than a 24th of the way, rounded up.
        assertGe((next - 10_000) * 24 + 24, (multiplier - 10_000) * 23 + 1);
        assertGe(StressController.next(multiplier, stress == 10_000 ? stress : stress + 1), next);
    }

    function test_CalmReturnsAllTheWay() public pure {
        uint256 multiplier = 50_000;
        uint256 steps = 0;
        for (; multiplier > 10_000; ++steps) {
            multiplier = StressController.next(multiplier, 0);
        }
        assertEq(multiplier, 10_000);
        assertLt(steps, 300);
    }

    function test_TheWorstSignCounts() public pure {
        StressController.Signs memory signs;
        assertEq(StressController.stress(signs), 0);
        signs.utilisation = 5000;
        assertEq(StressController.stress(signs), 0);
        signs.utilisation = 5001;
        assertEq(StressController.stress(signs), 2);
        signs.priceFall = 2;
        assertEq(StressController.stress(signs), 4);
        signs.exitQueue = 1;
        assertEq(StressController.stress(signs), 5);
        signs.missed = 2;
        assertEq(StressController.stress(signs), 6);
        signs.backlog = 4;
        assertEq(StressController.stress(signs), 8);
        signs.lostDisputes = 1;
        assertEq(StressController.stress(signs), 20);
    }

    function testFuzz_StressIsBounded(StressController.Signs memory signs) public pure {
        assertLe(StressController.stress(signs), 10_000);
    }
}
