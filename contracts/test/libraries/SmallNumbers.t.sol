// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {AuditMath} from "../../src/libraries/AuditMath.sol";
import {ShareMath} from "../../src/libraries/ShareMath.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Rounding where it is coarsest: every combination of small numbers, for what solvers cannot prove of all numbers.
contract SmallNumbersTest is Test {
    uint256 private constant WAD = 1e18;
    uint256 private constant MOST = 20;
    uint256 private constant STATES = 6;

    /// @dev Shares of a pool of so many assets, from a pool as it began, at a million shares for a base unit, to one of which a
    ///      slash has taken more than half. Nothing makes a share worth more than it began with.
    function _shares(uint256 assets, uint256 slashed) private pure returns (uint256) {
        return (assets * ShareMath.VIRTUAL_SHARES * (slashed + 4)) / 4;
    }

    function test_NoDepositIsWorthMoreThanWasPutIn() public pure {
        for (uint256 pool = 0; pool <= MOST; ++pool) {
            for (uint256 slashed = 0; slashed < STATES; ++slashed) {
                uint256 shares = _shares(pool, slashed);
                for (uint256 assets = 1; assets <= MOST; ++assets) {
                    uint256 minted = ShareMath.toShares(assets, pool, shares);
                    uint256 redeemed = ShareMath.toAssets(minted, pool + assets, shares + minted);
                    assertLe(redeemed, assets, "no more than was put in");
                    uint256 left = ShareMath.toAssets(shares, pool + assets, shares + minted);
                    assertGe(left, pool, "and nobody else has less");
                }
            }
        }
    }

    function test_TwoRedemptionsAreWorthNoMoreThanOne() public pure {
        for (uint256 pool = 1; pool <= MOST; ++pool) {
            for (uint256 slashed = 0; slashed < STATES; ++slashed) {
                uint256 shares = _shares(pool, slashed);
                uint256 step = shares / 9 + 1;
                for (uint256 whole = 1; whole <= shares; whole += step) {
                    for (uint256 part = 0; part <= whole; part += step) {
                        uint256 first = ShareMath.toAssets(part, pool, shares);
                        uint256 second = ShareMath.toAssets(whole - part, pool - first, shares - part);
                        assertLe(first + second, ShareMath.toAssets(whole, pool, shares) + (shares == whole ? 0 : 1));
                    }
                }
            }
        }
    }

    function test_NoProbabilityIsTooLow() public pure {
        for (uint256 risk = 0; risk <= 40; ++risk) {
            for (uint256 collateral = 0; collateral <= 40; ++collateral) {
                for (uint256 times = 1; times <= 5; ++times) {
                    uint256 p = AuditMath.probability(
                        AuditMath.Odds({
                            multiplierBps: times * 10_000,
                            floor: 0.01e18,
                            gainBps: 30_000,
                            penaltyBps: 8444,
                            risk: risk,
                            collateral: collateral
                        })
                    );
                    assertTrue(p == WAD || p * 8444 * collateral >= times * 30_000 * risk * WAD, "no gain is left");
                    assertTrue(p == WAD || p >= times * 0.01e18, "nor is it below the floor");
                    uint256 raised = AuditMath.biased(p);
                    assertTrue(raised == WAD || raised * raised >= p * WAD, "and its root is rounded up");
                }
            }
        }
    }
}
