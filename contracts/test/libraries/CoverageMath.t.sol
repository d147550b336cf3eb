// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {CoverageMath} from "../../src/libraries/CoverageMath.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Test} from "forge-std/Test.sol";

contract CoverageMathTest is Test {
    /// @dev `x_max` in basis points, rounded down: where `1 - e^(-β x) = x`.
    uint32[4] private BETAS = [12_500, 15_000, 20_000, 30_000];
    uint16[4] private X_MAX = [3713, 5828, 7968, 9404];

    uint256 private constant COLLATERAL = 1e24;
    uint256 private constant BATCHES = 10;
    uint256 private constant WAD = 1e18;

    function _terms() private pure returns (IBatches.CoverageTerms memory) {
        return IBatches.CoverageTerms({
            betaBps: 30_000, utilisationBps: 7900, haircutBps: 8000, penaltyBps: 8444, correlationBps: 1000
        });
    }

    /// @dev Terms under which fraud costs everything, so that `x` is the utilisation.
    function _plain(uint32 betaBps, uint16 utilisationBps) private pure returns (IBatches.CoverageTerms memory) {
        return IBatches.CoverageTerms({
            betaBps: betaBps, utilisationBps: utilisationBps, haircutBps: 0, penaltyBps: 10_000, correlationBps: 0
        });
    }

    function test_StakeIsDiscountedAndAPartHeldBack() public pure {
        // 0.9 (100 + 0.2 * 2000 * 3).
        assertEq(CoverageMath.collateral(100 ether, 2000 ether, 3 ether, _terms()), 1170 ether);
        assertEq(CoverageMath.collateral(100 ether, 0, 3 ether, _terms()), 90 ether);
        assertEq(CoverageMath.collateral(0, 2000 ether, 0, _terms()), 0);
    }

    function test_EveryDivisionRoundsDown() public pure {
        IBatches.CoverageTerms memory terms = _terms();
        // 1.999... of value is 1, of which a fifth is 0.
        assertEq(CoverageMath.collateral(0, 1, 2 ether - 1, terms), 0);
        assertEq(CoverageMath.collateral(0, 4, 1 ether, terms), 0);
        // 5 are worth 1, of which nine tenths are 0; with escrow of 1 it is 1.8.
        assertEq(CoverageMath.collateral(0, 5, 1 ether, terms), 0);
        assertEq(CoverageMath.collateral(1, 5, 1 ether, terms), 1);
    }

    function test_HeadroomIsTheLowerOfBothLimits() public pure {
        IBatches.CoverageTerms memory terms = _terms();
        // Alone: 8444 / 30000 of 360, together: 79 % of 360.
        assertEq(CoverageMath.headroom(360 ether, 0, terms), 101.328 ether);
        assertEq(CoverageMath.headroom(360 ether, 183.072 ether, terms), 101.328 ether);
        assertEq(CoverageMath.headroom(360 ether, 183.072 ether + 1, terms), 101.328 ether - 1);
        assertEq(CoverageMath.headroom(360 ether, 284.4 ether, terms), 0);
        assertEq(CoverageMath.headroom(100 ether, 284.4 ether, terms), 0);
        assertEq(CoverageMath.headroom(0, 0, terms), 0);
    }

    /// @dev Whatever is in the slots, nothing overflows, and open risk goes on to fit its slot.
    function testFuzz_NothingOverflows(uint256 escrow, uint128 stake, uint256 price, uint128 openRisk, uint256 choice)
        public
        view
    {
        escrow = bound(escrow, 0, 2 ** 129);
        IBatches.CoverageTerms memory terms = _plain(BETAS[choice % 4], X_MAX[choice % 4]);
        uint256 collateral = CoverageMath.collateral(escrow, stake, price, terms);
        uint256 headroom = CoverageMath.headroom(collateral, openRisk, terms);
        assertLe(headroom + openRisk, type(uint128).max);
    }

    /// @dev As the protocol states the rules, multiplied out.
    function testFuzz_WhatIsAdmittedKeepsBothRules(uint128 escrow, uint128 stake, uint128 price, uint128 openRisk)
        public
        pure
    {
        IBatches.CoverageTerms memory terms = _terms();
        uint256 collateral = CoverageMath.collateral(escrow, stake, price, terms);
        // (1 - ρc) (E + S p (1 - h)) without any rounding, which takes less than three base units.
        uint256 exact = (uint256(escrow) * 5 + Math.mulDiv(stake, price, WAD)) * 9 / 50;
        assertLe(collateral, exact);
        assertGe(collateral + 2, exact);

        uint256 risk = CoverageMath.headroom(collateral, openRisk, terms);
        if (risk != 0) assertLe((uint256(openRisk) + risk) * 10_000, 7900 * collateral);
        assertLe(30_000 * risk, 8444 * collateral);
        // One more would break one of them, unless it is the slot that is full.
        bool breaks = (uint256(openRisk) + risk + 1) * 10_000 > 7900 * collateral
            || 30_000 * (risk + 1) > 8444 * collateral || openRisk + risk == type(uint128).max;
        assertTrue(breaks, "the headroom is all there is");
    }

    function testFuzz_MoreOfAnythingCoversMore(uint128 escrow, uint128 stake, uint128 price, uint64 more) public pure {
        IBatches.CoverageTerms memory terms = _terms();
        uint256 collateral = CoverageMath.collateral(escrow, stake, price, terms);
        assertGe(CoverageMath.collateral(uint256(escrow) + more, stake, price, terms), collateral);
        assertGe(CoverageMath.collateral(escrow, stake, uint256(price) + more, terms), collateral);
        assertLe(CoverageMath.collateral(escrow, stake - stake / 7, price, terms), collateral);
        assertLe(
            CoverageMath.headroom(collateral, uint256(stake) / 2 + more, terms),
            CoverageMath.headroom(collateral, stake / 2, terms)
        );
    }

    function test_TheLargestSafeUtilisationIsThatOfTheTable() public view {
        for (uint256 i = 0; i < BETAS.length; ++i) {
            assertTrue(CoverageMath.deters(_plain(BETAS[i], X_MAX[i])), "safe");
            assertFalse(CoverageMath.deters(_plain(BETAS[i], X_MAX[i] + 1)), "not safe");
            assertTrue(CoverageMath.deters(_plain(BETAS[i], 1)), "safe for little");
        }
    }

    /// @dev What counts is risk against what fraud costs, not against all collateral.
    function test_APenaltyOfLessCoversLess() public pure {
        IBatches.CoverageTerms memory terms = _terms();
        terms.utilisationBps = 7941;
        assertTrue(CoverageMath.deters(terms));
        terms.utilisationBps = 7942;
        assertFalse(CoverageMath.deters(terms));
        terms.penaltyBps = 10_000;
        assertTrue(CoverageMath.deters(terms));
    }

    function test_TermsWithoutSenseDeterNobody() public pure {
        assertFalse(CoverageMath.deters(_plain(30_000, 0)), "no risk, no network");
        assertFalse(CoverageMath.deters(_plain(30_000, 10_000)), "all that fraud costs");
        assertFalse(CoverageMath.deters(_plain(0, 1)), "no audits");
        assertFalse(CoverageMath.deters(_plain(10_000, 1)), "audits that only break even");
        assertTrue(CoverageMath.deters(_plain(type(uint32).max, 9990)), "audits of everything");
    }

    /// @dev The theorem by brute force: of random batches that were admitted, no subset is worth cheating on.
    /// forge-config: default.fuzz.runs = 96
    function testFuzz_NoSubsetOfOpenBatchesIsWorthCheatingOn(uint256 seed) public view {
        uint256 choice = seed % BETAS.length;
        IBatches.CoverageTerms memory terms = _plain(BETAS[choice], X_MAX[choice]);
        // Fraud costs anything from half to all.
        terms.penaltyBps = uint16(5000 + (seed >> 8) % 5001);
        terms.utilisationBps = uint16(uint256(terms.utilisationBps) * terms.penaltyBps / 10_000);
        assertTrue(CoverageMath.deters(terms));
        _assertDeterred(_admit(terms, seed), terms);
    }

    /// @dev A tenth above the largest safe utilisation, who cheats on all of many small batches gains.
    function test_ATenthMoreIsWorthCheatingOn() public view {
        for (uint256 i = 0; i < BETAS.length; ++i) {
            assertTrue(_paysToCheatOnAll(_plain(BETAS[i], uint16(uint256(X_MAX[i]) * 11 / 10)), 64));
            assertFalse(_paysToCheatOnAll(_plain(BETAS[i], X_MAX[i]), 64));
        }
    }

    /// @dev 80 % of collateral is below 94.04 %, but above 94.04 % of the 84.44 % that fraud costs.
    function test_UtilisationIsMeasuredByWhatFraudCosts() public pure {
        IBatches.CoverageTerms memory terms = _terms();
        terms.utilisationBps = 8000;
        assertTrue(_paysToCheatOnAll(terms, 300));
        terms.utilisationBps = 7941;
        assertFalse(_paysToCheatOnAll(terms, 300));
    }

    /// @dev Whether all of `count` equal batches, which the terms admit, are worth more than they cost together.
    function _paysToCheatOnAll(IBatches.CoverageTerms memory terms, uint256 count) private pure returns (bool) {
        uint256 share = COLLATERAL * terms.utilisationBps / 10_000 / count;
        (uint256 gain, uint256 undetected) = (0, WAD);
        for (uint256 i = 0; i < count; ++i) {
            assertGe(CoverageMath.headroom(COLLATERAL, gain, terms), share, "admitted");
            gain += share;
            undetected = undetected * (WAD - _probability(share, terms)) / WAD;
        }
        return gain > COLLATERAL * terms.penaltyBps / 10_000 * (WAD - undetected) / WAD;
    }

    /// @dev Batches of every size from dust to all that the headroom allows.
    function _admit(IBatches.CoverageTerms memory terms, uint256 seed) private pure returns (uint256[] memory risks) {
        risks = new uint256[](BATCHES);
        uint256 openRisk = 0;
        for (uint256 i = 0; i < BATCHES; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 headroom = CoverageMath.headroom(COLLATERAL, openRisk, terms);
            uint256 parts = 1 + (random >> 8) % (random % 3 == 0 ? 1e9 : 8);
            risks[i] = headroom / parts;
            openRisk += risks[i];
        }
    }

    /// @dev `1 - Π(1 - p)` of each subset, from the subset without its first batch.
    function _assertDeterred(uint256[] memory risks, IBatches.CoverageTerms memory terms) private pure {
        uint256 cost = COLLATERAL * terms.penaltyBps / 10_000;
        uint256[] memory gains = new uint256[](2 ** BATCHES);
        uint256[] memory undetected = new uint256[](2 ** BATCHES);
        undetected[0] = WAD;
        for (uint256 i = 0; i < BATCHES; ++i) {
            uint256 missed = WAD - _probability(risks[i], terms);
            for (uint256 rest = 0; rest < 2 ** i; ++rest) {
                uint256 subset = rest + 2 ** i;
                gains[subset] = gains[rest] + risks[i];
                undetected[subset] = Math.mulDiv(undetected[rest], missed, WAD, Math.Rounding.Ceil);
                assertLe(gains[subset], Math.mulDiv(cost, WAD - undetected[subset], WAD), "cheating pays");
            }
        }
    }

    /// @dev `min(1, β g / (D K))`, rounded up as audits are.
    function _probability(uint256 risk, IBatches.CoverageTerms memory terms) private pure returns (uint256) {
        return Math.min(WAD, Math.mulDiv(risk * terms.betaBps, WAD, COLLATERAL * terms.penaltyBps, Math.Rounding.Ceil));
    }
}
