// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ShareMath} from "../../src/libraries/ShareMath.sol";
import {Test} from "forge-std/Test.sol";

contract ShareMathTest is Test {
    uint256 private constant VIRTUAL_SHARES = 1e6;
    uint256 private constant MAX_ASSETS = 2 ** 100;
    /// @dev Three slashes that each left but a millionth.
    uint256 private constant MAX_DILUTION = 1e18;

    /// @dev A pool as it can be: no share was ever minted for more than a millionth of a base unit, and slashes only
    ///      made shares cheaper.
    function _pool(uint256 assets, uint256 shares) private pure returns (uint256, uint256) {
        assets = bound(assets, 0, MAX_ASSETS);
        shares = bound(shares, assets * VIRTUAL_SHARES, (assets + 1) * VIRTUAL_SHARES * MAX_DILUTION);
        return (assets, shares);
    }

    function testFuzz_SharesOfADepositRoundDown(uint256 deposit, uint256 assets, uint256 shares) public pure {
        deposit = bound(deposit, 0, 2 ** 100);
        assets = bound(assets, 0, 2 ** 100);
        shares = bound(shares, 0, 2 ** 120);

        uint256 minted = ShareMath.toShares(deposit, assets, shares);

        uint256 exact = deposit * (shares + VIRTUAL_SHARES);
        assertLe(minted * (assets + 1), exact);
        assertGt((minted + 1) * (assets + 1), exact);
    }

    function testFuzz_AssetsOfSharesRoundDown(uint256 redeemed, uint256 assets, uint256 shares) public pure {
        shares = bound(shares, 1, 2 ** 128);
        redeemed = bound(redeemed, 0, shares);
        assets = bound(assets, 0, 2 ** 120);

        uint256 paid = ShareMath.toAssets(redeemed, assets, shares);

        assertLe(paid * shares, redeemed * assets);
        assertGt((paid + 1) * shares, redeemed * assets);
    }

    function testFuzz_AnEmptyPoolPaysNothing(uint256 shares, uint256 assets) public pure {
        assertEq(ShareMath.toAssets(shares, assets, 0), 0);
    }

    function testFuzz_AllSharesAreAllAssets(uint256 assets, uint256 shares) public pure {
        shares = bound(shares, 1, type(uint256).max);
        assertEq(ShareMath.toAssets(shares, assets, shares), assets);
    }

    /// @dev Neither the newcomer nor who was there gains by a deposit.
    function testFuzz_ADepositMovesNothingBetweenHolders(uint256 deposit, uint256 assets, uint256 shares) public pure {
        (assets, shares) = _pool(assets, shares);
        deposit = bound(deposit, 0, MAX_ASSETS);

        uint256 minted = ShareMath.toShares(deposit, assets, shares);

        assertLe(ShareMath.toAssets(minted, assets + deposit, shares + minted), deposit);
        assertGe(
            ShareMath.toAssets(shares, assets + deposit, shares + minted), ShareMath.toAssets(shares, assets, shares)
        );
    }

    /// @dev A newcomer loses no more than two base units, however far a slash brought the share price down.
    function testFuzz_ADepositIsWorthWhatWasPaid(uint256 deposit, uint256 assets, uint256 shares) public pure {
        (assets, shares) = _pool(assets, shares);
        deposit = bound(deposit, 1, MAX_ASSETS);

        uint256 minted = ShareMath.toShares(deposit, assets, shares);

        assertGe(ShareMath.toAssets(minted, assets + deposit, shares + minted) + 2, deposit);
    }

    function testFuzz_TheFirstThawIsOneForOne(uint256 assets, uint256 thawAssets) public pure {
        assertEq(ShareMath.toThawShares(assets, thawAssets, 0), assets);
    }

    /// @dev A thaw share is never worth more than a base unit, so rounding never costs a ticket more than that; this is
    ///      why the thaw pool needs no virtual shares.
    function testFuzz_AThawShareIsNeverWorthMoreThanABaseUnit(
        uint256 assets,
        uint256 thawAssets,
        uint256 thawShares,
        uint256 redeemed
    ) public pure {
        thawAssets = bound(thawAssets, 1, MAX_ASSETS);
        thawShares = bound(thawShares, thawAssets, thawAssets * MAX_DILUTION);
        assets = bound(assets, 1, MAX_ASSETS);

        uint256 minted = ShareMath.toThawShares(assets, thawAssets, thawShares);
        (thawAssets, thawShares) = (thawAssets + assets, thawShares + minted);
        assertLe(thawAssets, thawShares);
        assertGe(ShareMath.toAssets(minted, thawAssets, thawShares) + 1, assets);
        assertLe(ShareMath.toAssets(minted, thawAssets, thawShares), assets);

        redeemed = bound(redeemed, 0, thawShares);
        assertLe(thawAssets - ShareMath.toAssets(redeemed, thawAssets, thawShares), thawShares - redeemed);
    }

    function testFuzz_ASlashIsSplitToTheBaseUnit(uint256 amount, uint256 active, uint256 thawing) public pure {
        active = bound(active, 0, MAX_ASSETS);
        thawing = bound(thawing, 0, MAX_ASSETS);
        amount = bound(amount, 0, active + thawing);

        (uint256 fromActive, uint256 fromThawing) = ShareMath.splitSlash(amount, active, thawing);

        assertEq(fromActive + fromThawing, amount);
        assertLe(fromActive, active);
        assertLe(fromThawing, thawing);
        if (active + thawing != 0) assertEq(fromThawing, amount * thawing / (active + thawing));
        // Thaw shares without assets could neither be redeemed nor joined.
        if (amount < active + thawing && thawing != 0) assertLt(fromThawing, thawing);
    }

    function testFuzz_LessThanAMillionthIsNothing(uint256 left, uint256 before) public pure {
        before = bound(before, 0, 2 * MAX_ASSETS);
        left = bound(left, 0, before);

        assertEq(ShareMath.isWipedOut(left, before), left * 1_000_000 < before);
        assertTrue(before == 0 || ShareMath.isWipedOut(0, before));
        assertFalse(ShareMath.isWipedOut(before, before));
    }
}
