// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Base} from "./Base.t.sol";

/// @notice `changeSettler`, `changePayout` and `changeEndpoint`.
contract OperatorRegistrySettingsTest is Base {
    address private operator;
    bytes private notRegistered;

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
        notRegistered = abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker);
    }

    function _exit() private {
        vm.prank(operator);
        operatorRegistry.exit();
    }

    function testFuzz_TheSettlerIsReplaced(address settler) public {
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.SettlerChanged(operator, settler);
        vm.prank(operator);
        operatorRegistry.changeSettler(settler);

        assertEq(operatorRegistry.settlerOf(operator), settler);
        assertEq(operatorRegistry.operatorOf(operator).settlerKey, settler);
    }

    function testFuzz_ThePayoutIsReplaced(address payout) public {
        vm.assume(payout != address(0));
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.PayoutChanged(operator, payout);
        vm.prank(operator);
        operatorRegistry.changePayout(payout);

        assertEq(operatorRegistry.payoutOf(operator), payout);
        assertEq(operatorRegistry.operatorOf(operator).payout, payout);
    }

    function testFuzz_TheEndpointIsReplaced(bytes32 domain, string calldata endpoint) public {
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.EndpointChanged(operator, domain, endpoint);
        vm.prank(operator);
        operatorRegistry.changeEndpoint(domain, endpoint);

        assertEq(operatorRegistry.operatorOf(operator).domain, domain);
    }

    /// @dev What an operator earned before it left is still to be settled and paid somewhere.
    function test_AnExitingOperatorCanStillBePaid() public {
        _exit();
        vm.startPrank(operator);
        operatorRegistry.changeSettler(bob);
        operatorRegistry.changePayout(bob);

        assertEq(operatorRegistry.settlerOf(operator), bob);
        assertEq(operatorRegistry.payoutOf(operator), bob);
    }

    function test_RevertWhen_AnExitingOperatorChangesItsEndpoint() public {
        _exit();

        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_WrongStatus.selector, operator, IOperatorRegistry.Status.Exiting
            )
        );
        vm.prank(operator);
        operatorRegistry.changeEndpoint(DOMAIN, "");
    }

    function test_RevertWhen_ThePayoutIsZero() public {
        vm.expectRevert(IOperatorRegistry.OperatorRegistry_ZeroAddress.selector);
        vm.prank(operator);
        operatorRegistry.changePayout(address(0));
    }

    function test_RevertWhen_TheCallerIsNotRegistered() public {
        vm.startPrank(attacker);
        vm.expectRevert(notRegistered);
        operatorRegistry.changeSettler(attacker);
        vm.expectRevert(notRegistered);
        operatorRegistry.changePayout(attacker);
        vm.expectRevert(notRegistered);
        operatorRegistry.changeEndpoint(DOMAIN, "");
    }
}
