// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {AuditMath} from "../../src/libraries/AuditMath.sol";
import {Test} from "forge-std/Test.sol";

contract AuditMathTest is Test {
    uint256 private constant WAD = 1e18;

    function _odds(uint256 multiplierBps, uint256 floor, uint256 risk, uint256 collateral)
        private
        pure
        returns (AuditMath.Odds memory)
    {
        return AuditMath.Odds(multiplierBps, floor, 30_000, 8444, risk, collateral);
    }

    function test_TheLeastProbabilityHoldsForSmallRisk() public pure {
        assertEq(AuditMath.probability(_odds(10_000, 0.01e18, 1, 1e24)), 0.01e18);
        assertEq(AuditMath.probability(_odds(50_000, 0.01e18, 1, 1e24)), 0.05e18);
        assertEq(AuditMath.probability(_odds(50_000, 0.3e18, 1, 1e24)), WAD);
        assertEq(AuditMath.probability(_odds(10_000, WAD, 1, 1e24)), WAD);
    }

    function test_NothingToLoseIsCertain() public pure {
        assertEq(AuditMath.probability(_odds(10_000, 1, 0, 0)), WAD);
        assertEq(AuditMath.probability(_odds(10_000, 1, 1, 0)), WAD);
        assertEq(AuditMath.probability(_odds(10_000, 1, 8444, 30_000)), WAD);
        assertLt(AuditMath.probability(_odds(10_000, 1, 8443, 30_000)), WAD);
        assertEq(AuditMath.probability(_odds(10_000, 1, type(uint256).max, type(uint256).max)), WAD);
    }

    /// @dev `p D K >= β g`: who cheats can expect to lose at least what it gains; and one base unit less would be too little.
    function testFuzz_TheOddsLeaveNoGain(uint128 risk, uint128 collateral) public pure {
        vm.assume(collateral != 0);
        uint256 p = AuditMath.probability(_odds(10_000, 1, risk, collateral));
        if (p == WAD) return;
        assertGe(p * 8444 * collateral, uint256(30_000) * risk * WAD);
        if (p > 1) assertLt((p - 1) * 8444 * collateral, uint256(30_000) * risk * WAD);
    }

    function testFuzz_TheMultiplierRoundsUp(uint256 multiplierBps, uint256 floor) public pure {
        multiplierBps = bound(multiplierBps, 10_000, 50_000);
        floor = bound(floor, 1, 0.2e18);
        uint256 p = AuditMath.probability(_odds(multiplierBps, floor, 0, 1));
        assertGe(p * 10_000, floor * multiplierBps);
        assertLt((p - 1) * 10_000, floor * multiplierBps);
    }

    function testFuzz_ABiasedSeedIsDrawnWithTheRoot(uint256 p) public pure {
        p = bound(p, 0, WAD);
        uint256 root = AuditMath.biased(p);
        assertGe(root, p);
        assertLe(root, WAD);
        assertGe(root * root, p * WAD);
        if (root != 0) assertLt((root - 1) * (root - 1), p * WAD);
    }

    function testFuzz_CertaintyIsDrawnAndImpossibilityIsNot(bytes32 seed, uint256 batchId) public pure {
        assertTrue(AuditMath.isDrawn(seed, batchId, WAD));
        assertFalse(AuditMath.isDrawn(seed, batchId, 0));
    }

    /// @dev The ticket, compared as a fraction.
    function testFuzz_ATicketBelowTheProbabilityIsDrawn(bytes32 seed, uint256 batchId, uint256 p) public pure {
        p = bound(p, 0, WAD);
        uint256 ticket = uint256(keccak256(abi.encode(seed, batchId))) % 2 ** 128;
        assertEq(AuditMath.isDrawn(seed, batchId, p), ticket * WAD < p * 2 ** 128);
    }

    function test_OneInTenIsDrawnOneTimeInTen() public pure {
        uint256 drawn = 0;
        for (uint256 i = 0; i < 2000; ++i) {
            if (AuditMath.isDrawn("seed", i, 0.1e18)) ++drawn;
        }
        assertApproxEqAbs(drawn, 200, 50);
    }

    function testFuzz_BatchesOfOneSeedAreAuditedIndependently(bytes32 seed, uint128 a, uint128 b) public pure {
        vm.assume(a != b);
        assertNotEq(AuditMath.leafPath(seed, a), AuditMath.leafPath(seed, b));
        assertNotEq(AuditMath.leafPath(seed, a), keccak256(abi.encode(seed, uint256(a))));
    }
}
