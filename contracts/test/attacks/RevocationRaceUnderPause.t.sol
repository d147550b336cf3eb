// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: revoke a session key, or start an exit, and have a pause use up the time in which the operator settles.
contract RevocationRaceUnderPauseTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev The notice is as long as the pause: without its clock nothing would be left of it.
    function test_APauseDoesNotEatTheNoticeOfARevocation() public {
        _authorize(payer, sessionKey, _now() + 365 days);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, sessionKey);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        vm.prank(guardian);
        settlement.pause(7 days);
        _skip(7 days);

        _skip(EXIT_DELAY);
        _add(voucher, signature);
        _settleBatch();
        assertEq(_channel().settled, 10 ether);
        _skip(1);
        voucher = _owed(20 ether, 20);
        _expectUnpaid(voucher, _signVoucher(voucher, sessionKey));
    }

    function test_APauseDoesNotEatTheDelayOfAnExit() public {
        vm.prank(payer.addr);
        settlement.startExit(operator);
        _skip(EXIT_DELAY - 1);
        vm.prank(guardian);
        settlement.pause(7 days);
        _skip(7 days);

        vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector);
        vm.prank(payer.addr);
        settlement.finishExit(operator);
        _settleOne(_owed(100 ether, 100));
        assertEq(_channel().settled, 100 ether);
    }

    /// @dev Neither a new authorisation nor a revocation during the pause moves what was signed before out of reach.
    function test_NothingDoneDuringThePauseShortensTheNotice() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        bytes memory signature = _signVoucher(voucher, sessionKey);
        vm.prank(guardian);
        settlement.pause(7 days);
        _skip(6 days);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        _skip(1 days);

        _skip(1 days);
        _add(voucher, signature);
        _settleBatch();
        assertEq(_channel().settled, 10 ether);
    }
}
