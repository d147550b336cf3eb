// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {ExactTransfer} from "../../src/libraries/ExactTransfer.sol";
import {OneTokenBase} from "../Base.t.sol";
import {TransferFeeToken} from "./tokens/TransferFeeToken.sol";

/// @notice Attack: a token that takes a fee on transfer, so that what is credited was never received.
contract TransferFeeTokenStakeTest is OneTokenBase {
    function _createStakeToken() internal override returns (TestToken) {
        return new TransferFeeToken();
    }

    function _expectMismatch(uint256 amount) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ExactTransfer.ExactTransfer_AmountMismatch.selector, address(stakeToken), amount * 99 / 100, amount
            )
        );
    }

    function test_NothingIsCreditedThatDidNotArrive() public {
        _fund(stakeToken, attacker, address(vault), 10 * FLOOR);
        _expectMismatch(FLOOR);
        vm.prank(attacker);
        vault.stake(FLOOR);

        assertEq(vault.pool(attacker).assets, 0);
        assertEq(stakeToken.balanceOf(address(vault)), 0);
    }

    function test_NoChannelIsFundedByWhatDidNotArrive() public {
        _fund(feeToken, payer.addr, address(settlement), 100 ether);
        _expectMismatch(100 ether);
        vm.prank(payer.addr);
        settlement.deposit(payer.addr, attacker, 100 ether);
    }
}
