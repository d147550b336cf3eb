// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {ExactTransfer} from "../../src/libraries/ExactTransfer.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {TransferFeeToken} from "./tokens/TransferFeeToken.sol";

/// @notice Attack: fund a channel with a token that delivers less than was sent, at the cost of every other channel.
contract TransferFeeTokenDepositTest is SettlementBase {
    function _createFeeToken(TestToken) internal override returns (TestToken) {
        return new TransferFeeToken();
    }

    function test_RevertWhen_LessArrivesThanWasDeposited() public {
        _fund(feeToken, payer.addr, address(settlement), 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(
                ExactTransfer.ExactTransfer_AmountMismatch.selector, address(feeToken), 9.9 ether, 10 ether
            )
        );
        vm.prank(payer.addr);
        settlement.deposit(payer.addr, operator, 10 ether);
    }
}
