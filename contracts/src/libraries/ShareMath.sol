// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Pool shares: minted against a virtual offset, redeemed by direct proportion
/// @notice The offset (one million virtual shares against one virtual base unit) makes a first depositor's share price
///         useless as a weapon. It counts only on the way in: on the way out it would, after a slash, pay more than the
///         pool holds. Every rounding is down, in the pool's favour.
library ShareMath {
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 internal constant VIRTUAL_ASSETS = 1;

    /// @dev Scale of the fees-per-share accumulator.
    uint256 internal constant FEE_SCALE = 2 ** 128;

    /// @dev A slash that leaves less than a millionth resets the pool: what is left is not worth a share price.
    uint256 internal constant RESET_DIVISOR = 1e6;

    /// @notice Shares minted for a deposit: `assets * (shares + 1e6) / (poolAssets + 1)`, rounded down.
    function toShares(uint256 assets, uint256 poolAssets, uint256 poolShares) internal pure returns (uint256) {
        return Math.mulDiv(assets, poolShares + VIRTUAL_SHARES, poolAssets + VIRTUAL_ASSETS);
    }

    /// @notice Assets behind shares: `shares * poolAssets / poolShares`, rounded down; 0 for an empty pool.
    function toAssets(uint256 shares, uint256 poolAssets, uint256 poolShares) internal pure returns (uint256) {
        return poolShares == 0 ? 0 : Math.mulDiv(shares, poolAssets, poolShares);
    }

    /// @notice Thaw shares for assets that start to thaw: one for one in an empty pool, else by direct proportion, down.
    function toThawShares(uint256 assets, uint256 thawAssets, uint256 thawShares) internal pure returns (uint256) {
        return thawShares == 0 ? assets : Math.mulDiv(assets, thawShares, thawAssets);
    }

    /// @notice Splits a slash of `amount <= active + thawing` pro rata; thawing stake's part is rounded down.
    function splitSlash(uint256 amount, uint256 active, uint256 thawing)
        internal
        pure
        returns (uint256 fromActive, uint256 fromThawing)
    {
        uint256 total = active + thawing;
        fromThawing = total == 0 ? 0 : Math.mulDiv(amount, thawing, total);
        fromActive = amount - fromThawing;
    }

    /// @notice True when a slash left so little of `before` that the pool starts anew.
    function isWipedOut(uint256 left, uint256 before) internal pure returns (bool) {
        return left * RESET_DIVISOR < before;
    }
}
