// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: take the channel's money back before the operator settles what it was promised.
contract WithdrawRaceTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev An exit cannot outrun a voucher: the operator has the whole delay, whatever the payer does in between.
    function test_AnExitCannotOutrunAVoucher() public {
        vm.startPrank(payer.addr);
        settlement.startExit(operator);
        uint64 exitAt = _channel().exitAt;
        _skip(EXIT_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector, exitAt));
        settlement.finishExit(operator);
        // Starting over starts the delay over.
        settlement.cancelExit(operator);
        settlement.startExit(operator);
        _skip(1);
        vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector);
        settlement.finishExit(operator);
        vm.stopPrank();

        _settleOne(_owed(100 ether, 100));
        _skip(EXIT_DELAY);
        vm.prank(payer.addr);
        assertEq(settlement.finishExit(operator), 0);
        assertEq(_channel().settled, 100 ether);
    }
}
