// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

contract InferenceSettlementExitTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_AnExitReturnsTheRestAfterTheDelay() public {
        _settleOne(_owed(30 ether, 3));
        uint64 exitAt = _now() + EXIT_DELAY;
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.ExitStarted(payer.addr, operator, exitAt);
        _startExit();
        assertEq(_channel().exitAt, exitAt);

        _skip(EXIT_DELAY);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.ExitFinished(payer.addr, operator, 70 ether);
        assertEq(_finishExit(), 70 ether);
        assertEq(feeToken.balanceOf(payer.addr), 70 ether);
        assertEq(_channel().balance, 30 ether);
        assertEq(_channel().settled, 30 ether);
        assertEq(_channel().exitAt, 0);
    }

    function test_TheOperatorSettlesDuringTheDelayAndUntilTheExitIsFinished() public {
        _startExit();
        _skip(EXIT_DELAY - 1);
        _settleOne(_owed(30 ether, 3));
        _skip(10 days);
        _settleOne(_owed(40 ether, 4));
        assertEq(_finishExit(), 60 ether);
        _expectSkip(_owed(50 ether, 5), IInferenceSettlement.SkipReason.Underfunded, 10 ether);
        _settleOne(_owed(50 ether, 5));
    }

    function test_AChannelThatWasLeftCanBeFundedAgain() public {
        _settleOne(_owed(30 ether, 3));
        _startExit();
        _skip(EXIT_DELAY);
        _finishExit();
        _deposit(payer.addr, operator, 5 ether);
        _settleOne(_owed(35 ether, 4));
        assertEq(_channel().balance, 35 ether);
        assertEq(_channel().settled, 35 ether);
        // A new exit waits anew.
        _startExit();
        assertEq(_channel().exitAt, _now() + EXIT_DELAY);
    }

    function test_AnExitOfASpentChannelReturnsNothing() public {
        _settleOne(_owed(100 ether, 3));
        _startExit();
        _skip(EXIT_DELAY);
        assertEq(_finishExit(), 0);
    }

    function test_AnExitIsCalledOff() public {
        _startExit();
        _skip(EXIT_DELAY);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.ExitCancelled(payer.addr, operator);
        vm.prank(payer.addr);
        settlement.cancelExit(operator);
        assertEq(_channel().exitAt, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NoExit.selector, payer.addr, operator)
        );
        _finishExit();
    }

    function test_RevertWhen_AnExitIsStartedTwice() public {
        _startExit();
        uint64 exitAt = _channel().exitAt;
        _skip(1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ExitAlreadyStarted.selector, exitAt)
        );
        _startExit();
    }

    function test_RevertWhen_NoExitIsCalledOff() public {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NoExit.selector, payer.addr, operator)
        );
        vm.prank(payer.addr);
        settlement.cancelExit(operator);
    }

    function test_RevertWhen_AnExitIsFinishedTooEarly() public {
        _startExit();
        uint64 exitAt = _channel().exitAt;
        _skip(EXIT_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector, exitAt));
        _finishExit();
    }

    function test_RevertWhen_AnExitIsFinishedTwice() public {
        _startExit();
        _skip(EXIT_DELAY);
        _finishExit();
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NoExit.selector, payer.addr, operator)
        );
        _finishExit();
    }

    function testFuzz_ExitAndOperatorShareTheBalanceExactly(uint128 paid, uint64 wait) public {
        paid = uint128(bound(paid, 1, 200 ether));
        wait = uint64(bound(wait, 0, 365 days));
        _startExit();
        _skip(EXIT_DELAY + wait);
        _settleOne(_owed(paid, 1));
        uint256 settled = paid < 100 ether ? paid : 100 ether;
        assertEq(_finishExit(), 100 ether - settled);
        assertEq(feeToken.balanceOf(address(settlement)), settled);
    }

    function _startExit() private {
        vm.prank(payer.addr);
        settlement.startExit(operator);
    }

    function _finishExit() private returns (uint256) {
        vm.prank(payer.addr);
        return settlement.finishExit(operator);
    }
}
