// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice `pause`, `unpause` and what they move.
contract InferenceSettlementPauseTest is SettlementBase {
    uint64 private constant COOLDOWN = 30 days;
    uint64 private constant MAX_PAUSE = 7 days;

    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_APauseEndsByItself() public {
        assertEq(settlement.pausedUntil(), 0);
        uint64 until = _now() + 3 days;
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.Paused(guardian, until);
        _pause(3 days);
        assertEq(settlement.pausedUntil(), until);

        _skip(3 days - 1);
        _expectPaused(until);
        _settleOne(_owed(1 ether, 1));
        _skip(1);
        _settleOne(_owed(1 ether, 1));
        assertEq(_channel().settled, 1 ether);
        assertEq(settlement.pausedSeconds(), 3 days);
    }

    function test_APauseIsEndedEarly() public {
        _pause(3 days);
        _skip(1 days);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.Unpaused(guardian);
        vm.prank(guardian);
        settlement.unpause();
        assertEq(settlement.pausedUntil(), _now());
        _settleOne(_owed(1 ether, 1));
        _skip(10 days);
        assertEq(settlement.pausedSeconds(), 1 days);
    }

    function test_APauseStopsSettlementsAndExitsAlike() public {
        _startExit();
        _skip(EXIT_DELAY);
        _pause(1 days);
        uint64 until = _now() + 1 days;
        _expectPaused(until);
        _settleOne(_owed(1 ether, 1));
        _expectPaused(until);
        _finishExit();
    }

    /// @dev Everything that pays out, takes for a fault, or commits somebody to more, goes on.
    function test_APauseStopsNothingElse() public {
        uint256 first = _settleOne(_owed(10 ether, 1000));
        _release(first);
        uint256 second = _settleOne(_owed(20 ether, 2000));
        _skip(8 * EPOCH);
        _pause(MAX_PAUSE);
        _release(second);
        vm.prank(address(slasher));
        assertEq(settlement.seize(_seizure(operator, 10 ether, 1000, reporter)), 10 ether);
        settlement.claimRoyalties(modelId);
        settlement.collect(reserve);
        settlement.collect(reporter);
        _deposit(payer.addr, operator, 5 ether);
        _startExit();
        vm.prank(payer.addr);
        settlement.cancelExit(operator);
        _authorize(payer, sessionKey, _now() + 1 days);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        assertEq(settlement.earnings(operator).claimable, 0);
        assertEq(settlement.earnings(operator).locked, 8.4 ether);
    }

    function test_EarningsMatureDuringAPause() public {
        _release(_settleOne(_owed(10 ether, 1000)));
        _skip(EPOCH);
        _pause(MAX_PAUSE);
        _skip(MAX_PAUSE);
        assertEq(settlement.claim(operator), 9.2 ether);
    }

    function test_AnExitMovesByThePause() public {
        _startExit();
        uint64 exitAt = _channel().exitAt;
        _skip(EXIT_DELAY - 1 days);
        _pause(3 days);
        assertEq(_channel().exitAt, exitAt);
        _skip(2 days);
        assertEq(_channel().exitAt, exitAt + 2 days);
        _skip(1 days);
        assertEq(_channel().exitAt, exitAt + 3 days);

        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector, exitAt + 3 days)
        );
        _finishExit();
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_ExitAlreadyStarted.selector, exitAt + 3 days
            )
        );
        _startExit();
        _warpTo(exitAt + 3 days);
        assertEq(_finishExit(), 100 ether);
        assertEq(_channel().exitAt, 0);
    }

    /// @dev What was ready before the pause is ready right after it.
    function test_AnExitThatWasReadyIsReadyAfterThePause() public {
        _startExit();
        _skip(EXIT_DELAY);
        _pause(3 days);
        _skip(3 days);
        assertEq(_finishExit(), 100 ether);
    }

    function test_AnExitStartedDuringAPauseWaitsFromItsEnd() public {
        _pause(3 days);
        _skip(1 days);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.ExitStarted(payer.addr, operator, _now() + EXIT_DELAY);
        _startExit();
        _skip(2 days + EXIT_DELAY - 1);
        vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector);
        _finishExit();
        _skip(1);
        _finishExit();
    }

    function test_ASessionKeyLivesLongerByThePause() public {
        uint64 validUntil = _now() + 2 days;
        _authorize(payer, sessionKey, validUntil);
        _pause(3 days);
        _skip(3 days);
        assertEq(settlement.signer(sessionKey.addr).validUntil, validUntil + 3 days);
        _warpTo(validUntil + 3 days);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        _add(voucher, _signVoucher(voucher, sessionKey));
        _settleBatch();
        assertEq(_channel().settled, 10 ether);
        _skip(1);
        voucher = _owed(20 ether, 20);
        _expectUnpaid(voucher, _signVoucher(voucher, sessionKey));
    }

    /// @dev A key that had expired before the pause is not brought back by it, nor by any later one.
    function test_APauseRevivesNoKey() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        _skip(1 days + 1);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 10);
        for (uint256 i = 0; i < 3; ++i) {
            _pause(MAX_PAUSE);
            _skip(MAX_PAUSE);
            _expectUnpaid(voucher, _signVoucher(voucher, sessionKey));
            _skip(COOLDOWN);
        }
    }

    function test_AKeyIsExtendedBeyondItsMovedEnd() public {
        uint64 validUntil = _now() + 10 days;
        _authorize(payer, sessionKey, validUntil);
        _pause(3 days);
        _skip(3 days);
        bytes memory proof = _signSignerBinding(payer.addr, sessionKey);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_ValidityShortened.selector, validUntil, validUntil + 3 days
            )
        );
        vm.prank(payer.addr);
        settlement.authorizeSigner(sessionKey.addr, validUntil, proof);
        _authorize(payer, sessionKey, validUntil + 3 days);
        assertEq(settlement.signer(sessionKey.addr).validUntil, validUntil + 3 days);
    }

    /// @dev The end of time stays where it is.
    function test_AKeyForEverIsForEver() public {
        _authorize(payer, sessionKey, type(uint64).max);
        _pause(3 days);
        _skip(3 days);
        assertEq(settlement.signer(sessionKey.addr).validUntil, type(uint64).max);
        _authorize(payer, sessionKey, type(uint64).max);
        _skip(COOLDOWN);
        _pause(3 days);
        assertEq(settlement.signer(sessionKey.addr).validUntil, type(uint64).max);
    }

    function test_TheNoticeOfARevocationMovesToo() public {
        _authorize(payer, sessionKey, _now() + 365 days);
        _pause(3 days);
        _skip(1 days);
        uint64 notice = _now() + EXIT_DELAY;
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.SignerRevoked(payer.addr, sessionKey.addr, notice);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        _skip(2 days);
        assertEq(settlement.signer(sessionKey.addr).validUntil, notice + 2 days);
    }

    function test_PausesAddUp() public {
        uint64[3] memory durations = [uint64(7 days), 1, 2 days];
        _startExit();
        uint64 exitAt = _channel().exitAt;
        uint64 sum = 0;
        for (uint256 i = 0; i < durations.length; ++i) {
            _pause(durations[i]);
            _skip(durations[i] + COOLDOWN);
            sum += durations[i];
            assertEq(settlement.pausedSeconds(), sum);
        }
        assertEq(_channel().exitAt, exitAt + sum);
    }

    /// @dev However time, pauses and their ends fall, an exit takes the whole delay outside of pauses.
    function testFuzz_AnExitTakesItsWholeDelayUnpaused(uint64[6] memory steps) public {
        uint64 unpaused = 0;
        _startExit();
        for (uint256 i = 0; i < steps.length && unpaused < EXIT_DELAY; ++i) {
            bool paused = _now() < settlement.pausedUntil();
            uint64 step = uint64(bound(steps[i], 1, 3 days));
            if (paused && steps[i] % 3 == 0) {
                vm.prank(guardian);
                settlement.unpause();
                paused = false;
            } else if (!paused && settlement.pausedUntil() == 0 && steps[i] % 2 == 0) {
                _pause(MAX_PAUSE);
                paused = true;
            }
            uint64 left = paused ? settlement.pausedUntil() - _now() : 0;
            _skip(step);
            unpaused += step < left ? 0 : step - left;
            assertEq(settlement.pausedSeconds() + unpaused, _now() - START);
            assertEq(_channel().exitAt, START + EXIT_DELAY + settlement.pausedSeconds());
        }
        if (_now() < settlement.pausedUntil()) return;
        if (unpaused < EXIT_DELAY) {
            vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector);
        }
        _finishExit();
    }

    function test_RevertWhen_APauseIsOfNoLengthOrTooLong() public {
        uint64[2] memory durations = [0, MAX_PAUSE + 1];
        for (uint256 i = 0; i < durations.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IInferenceSettlement.InferenceSettlement_DurationOutOfRange.selector,
                    durations[i],
                    uint64(1),
                    MAX_PAUSE
                )
            );
            _pause(durations[i]);
        }
        _pause(MAX_PAUSE);
    }

    function test_RevertWhen_ThePauseBeforeWasRecent() public {
        _pause(1 days);
        uint64 notBefore = _now() + 1 days + COOLDOWN;
        _expectPausedRecently(notBefore);
        _pause(1 days);
        _warpTo(notBefore - 1);
        _expectPausedRecently(notBefore);
        _pause(1 days);
        _skip(1);
        _pause(1 days);
    }

    function test_RevertWhen_NothingIsPaused() public {
        bytes memory notPaused = abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NotPaused.selector);
        vm.startPrank(guardian);
        vm.expectRevert(notPaused);
        settlement.unpause();
        settlement.pause(1 days);
        _skip(1 days);
        vm.expectRevert(notPaused);
        settlement.unpause();
    }

    function test_RevertWhen_TheCallerIsNotTheGuardian() public {
        address[4] memory callers = [attacker, operator, admin, governor];
        for (uint256 i = 0; i < callers.length; ++i) {
            bytes memory unauthorized =
                abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]);
            vm.startPrank(callers[i]);
            vm.expectRevert(unauthorized);
            settlement.pause(1 days);
            vm.expectRevert(unauthorized);
            settlement.unpause();
            vm.stopPrank();
        }
    }

    function _pause(uint64 duration) private {
        vm.prank(guardian);
        settlement.pause(duration);
    }

    function _startExit() private {
        vm.prank(payer.addr);
        settlement.startExit(operator);
    }

    function _finishExit() private returns (uint256) {
        vm.prank(payer.addr);
        return settlement.finishExit(operator);
    }

    function _expectPaused(uint64 until) private {
        vm.expectRevert(abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_Paused.selector, until));
    }

    function _expectPausedRecently(uint64 notBefore) private {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_PausedRecently.selector, notBefore)
        );
    }
}
