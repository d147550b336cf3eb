// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Base} from "./Base.t.sol";

contract OperatorRegistryAnnounceCommissionTest is Base {
    address private operator;

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
    }

    function _announce(uint16 commissionBps) private {
        vm.prank(operator);
        operatorRegistry.announceCommission(commissionBps);
    }

    function testFuzz_ItBindsAfterTheDelayAndNotBefore(uint16 commissionBps, uint64 wait) public {
        commissionBps = uint16(bound(commissionBps, 0, 10_000));
        wait = uint64(bound(wait, 0, 2 * COMMISSION_DELAY));
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.CommissionAnnounced(operator, commissionBps, _now() + COMMISSION_DELAY);
        _announce(commissionBps);

        _skip(wait);

        assertEq(operatorRegistry.commissionOf(operator), wait < COMMISSION_DELAY ? COMMISSION_BPS : commissionBps);
    }

    function test_ALaterAnnouncementReplacesAPendingOne() public {
        _announce(5000);
        _skip(COMMISSION_DELAY - 1);
        _announce(2000);

        _skip(1);
        assertEq(operatorRegistry.commissionOf(operator), COMMISSION_BPS);
        _skip(COMMISSION_DELAY - 1);
        assertEq(operatorRegistry.commissionOf(operator), 2000);
    }

    function test_OneInForceStaysUntilTheNextBinds() public {
        _announce(5000);
        _skip(COMMISSION_DELAY);
        _announce(0);

        assertEq(operatorRegistry.commissionOf(operator), 5000);
        _skip(COMMISSION_DELAY);
        assertEq(operatorRegistry.commissionOf(operator), 0);
    }

    function testFuzz_RevertWhen_ItIsMoreThanAll(uint16 commissionBps) public {
        commissionBps = uint16(bound(commissionBps, 10_001, type(uint16).max));
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_CommissionTooHigh.selector, commissionBps)
        );
        _announce(commissionBps);
    }

    function test_RevertWhen_TheCallerIsNotRegistered() public {
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker));
        vm.prank(attacker);
        operatorRegistry.announceCommission(0);
    }

    function test_RevertWhen_TheOperatorExited() public {
        vm.prank(operator);
        operatorRegistry.exit();

        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_WrongStatus.selector, operator, IOperatorRegistry.Status.Exiting
            )
        );
        _announce(0);
    }
}
