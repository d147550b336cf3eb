// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Token receipts that must arrive whole
/// @notice Internal accounting assumes that what was sent is what came; a token that takes a fee on transfer breaks that.
library ExactTransfer {
    using SafeERC20 for IERC20;

    error ExactTransfer_AmountMismatch(address token, uint256 received, uint256 expected);

    /// @notice Pulls `amount` from `from` into this contract and reverts unless the balance rose by exactly that.
    function pullExact(IERC20 token, address from, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        requireReceived(token, before, amount);
    }

    /// @notice Reverts unless this contract's balance is exactly `amount` above `before`.
    function requireReceived(IERC20 token, uint256 before, uint256 amount) internal view {
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == amount, ExactTransfer_AmountMismatch(address(token), received, amount));
    }
}
