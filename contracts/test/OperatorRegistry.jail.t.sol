// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Base} from "./Base.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice `jail`, `unjail` and `exit`: the ways out of service and the way back.
contract OperatorRegistryJailTest is Base {
    address private operator;

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
        _skip(1 hours);
    }

    function _jail(uint64 until) private returns (uint64 jailedUntil) {
        vm.prank(address(slasher));
        jailedUntil = operatorRegistry.jail(operator, until);
    }

    function _unjail() private {
        vm.prank(operator);
        operatorRegistry.unjail();
    }

    function _exit() private {
        vm.prank(operator);
        operatorRegistry.exit();
    }

    function _assertRecord(IOperatorRegistry.Status status, uint64 since, uint64 outSince, uint64 until) private view {
        IOperatorRegistry.Operator memory record = operatorRegistry.operatorOf(operator);
        assertEq(uint8(record.status), uint8(status));
        assertEq(record.inServiceSince, since);
        assertEq(record.outOfServiceSince, outSince);
        assertEq(record.jailedUntil, until);
    }

    function _expectWrongStatus(IOperatorRegistry.Status status) private {
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_WrongStatus.selector, operator, status)
        );
    }

    function testFuzz_AJailedOperatorIsOutOfService(uint64 until) public {
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.OperatorJailed(operator, until);

        assertEq(_jail(until), until);

        _assertRecord(IOperatorRegistry.Status.Jailed, START, _now(), until);
        assertFalse(operatorRegistry.isEligible(operator));
    }

    function testFuzz_AnEarlierEndNeverShortensALaterOne(uint64 first, uint64 second) public {
        uint64 later = first > second ? first : second;
        uint64 jailedAt = _now();
        _jail(first);
        _skip(1 hours);

        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.OperatorJailed(operator, later);
        assertEq(_jail(second), later);

        _assertRecord(IOperatorRegistry.Status.Jailed, START, jailedAt, later);
    }

    function test_ItReturnsWhenItsTermIsOver() public {
        uint64 until = _jail(_now() + 1 days);
        _warpTo(until);

        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.OperatorUnjailed(operator);
        _unjail();

        _assertRecord(IOperatorRegistry.Status.Active, until, 0, until);
        assertTrue(operatorRegistry.isEligible(operator));
    }

    function test_RevertWhen_ItsTermIsNotOver() public {
        uint64 until = _jail(_now() + 1 days);
        _warpTo(until - 1);

        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_StillJailed.selector, operator, until)
        );
        _unjail();
    }

    function test_RevertWhen_ItReturnsWithTooLittleStake() public {
        _jail(_now());
        _slash(operator, OWN_STAKE - FLOOR + 1, 0);

        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotBonded.selector, operator, FLOOR - 1, FLOOR)
        );
        _unjail();
    }

    function test_RevertWhen_WhoReturnsIsNotJailed() public {
        _expectWrongStatus(IOperatorRegistry.Status.Active);
        _unjail();

        _exit();
        _expectWrongStatus(IOperatorRegistry.Status.Exiting);
        _unjail();

        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker));
        vm.prank(attacker);
        operatorRegistry.unjail();
    }

    function test_AnExitIsForEver() public {
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.OperatorExited(operator);
        _exit();

        _assertRecord(IOperatorRegistry.Status.Exiting, START, _now(), 0);
        assertFalse(operatorRegistry.isEligible(operator));
        _expectWrongStatus(IOperatorRegistry.Status.Exiting);
        _exit();
    }

    function test_AJailedOperatorCanExit() public {
        uint64 jailedAt = _now();
        _jail(jailedAt + 1 days);
        _skip(1 hours);

        _exit();

        _assertRecord(IOperatorRegistry.Status.Exiting, START, jailedAt, jailedAt + 1 days);
    }

    /// @dev A slash of an exiting operator must not fail because there is nobody left to jail.
    function test_JailingAnExitingOperatorDoesNothing() public {
        _exit();
        uint64 exitedAt = _now();
        vm.recordLogs();

        assertEq(_jail(_now() + 1 days), 0);

        assertEq(vm.getRecordedLogs().length, 0);
        _assertRecord(IOperatorRegistry.Status.Exiting, START, exitedAt, 0);
    }

    function test_RevertWhen_TheJailerIsNotTheSlasher() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        vm.prank(attacker);
        operatorRegistry.jail(operator, 0);
    }

    function test_RevertWhen_WhoIsJailedOrExitsIsNotRegistered() public {
        bytes memory notRegistered =
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker);
        vm.expectRevert(notRegistered);
        vm.prank(address(slasher));
        operatorRegistry.jail(attacker, 0);

        vm.expectRevert(notRegistered);
        vm.prank(attacker);
        operatorRegistry.exit();
    }
}
