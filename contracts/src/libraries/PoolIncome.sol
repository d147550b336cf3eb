// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title An operator's income, shared out between it and the stakers of its pool
/// @notice The commission goes to the operator's payout address, the rest to its pool; all to the operator while the pool
///         has no shares.
library PoolIncome {
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;

    /// @notice Splits `amount` and, where stakers wait for a part, tries to pay the commission. Callers take `amount` off
    ///         their books before; they put back what is neither `paid` nor `distributed`, say what was paid, and `send`.
    /// @dev An operator whose payout address cannot receive would else choose when its stakers are paid, and at which
    ///      commission.
    function split(IERC20 feeToken, IOperatorRegistry registry, IStakeVault vault, address operator, uint256 amount)
        internal
        returns (address payout, uint256 paid, uint256 distributed)
    {
        payout = registry.payoutOf(operator);
        if (vault.pool(operator).shares != 0) {
            // Commission rounds up: what is distributed is never more than the stakers' part.
            distributed = amount - Math.mulDiv(amount, registry.commissionOf(operator), BPS, Math.Rounding.Ceil);
        }
        paid = amount - distributed;
        if (distributed != 0 && paid != 0 && !feeToken.trySafeTransfer(payout, paid)) paid = 0;
    }

    /// @notice Pays what `split` left to pay: the stakers' part, or all to an operator that shares with nobody.
    function send(
        IERC20 feeToken,
        IStakeVault vault,
        address operator,
        address payout,
        uint256 paid,
        uint256 distributed
    ) internal {
        if (distributed == 0) {
            feeToken.safeTransfer(payout, paid);
        } else {
            feeToken.forceApprove(address(vault), distributed);
            vault.distribute(operator, distributed);
        }
    }
}
