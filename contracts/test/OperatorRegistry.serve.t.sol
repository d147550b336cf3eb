// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Base} from "./Base.t.sol";

/// @notice `serve` and `stopServing`.
contract OperatorRegistryServeTest is Base {
    address private operator;

    function setUp() public override {
        super.setUp();
        operator = makeAddr("the operator");
        _stake(operator, OWN_STAKE);
        _register(operator, makeAccount("the operator's key"));
    }

    function _serve(uint32 version, uint128 pricePerUnit) private {
        vm.prank(operator);
        operatorRegistry.serve(modelId, version, pricePerUnit);
    }

    function _assertOffering(uint32 version, uint16 royaltyBps, bool active, uint128 pricePerUnit) private view {
        IOperatorRegistry.Offering memory offering = operatorRegistry.offering(operator, modelId);
        assertEq(offering.version, version);
        assertEq(offering.royaltyBps, royaltyBps);
        assertEq(offering.active, active);
        assertEq(offering.pricePerUnit, pricePerUnit);
    }

    function _expectWrongStatus(IOperatorRegistry.Status status) private {
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_WrongStatus.selector, operator, status)
        );
    }

    function testFuzz_AnOfferHoldsTheVersionsRoyalty(uint128 pricePerUnit) public {
        _assertOffering(0, 0, false, 0);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.ModelServed(operator, modelId, 1, ROYALTY_BPS, pricePerUnit);
        _serve(1, pricePerUnit);

        _assertOffering(1, ROYALTY_BPS, true, pricePerUnit);
    }

    function test_ServingAgainChangesTheTerms() public {
        _serve(1, 5);
        vm.prank(publisher);
        modelRegistry.publishVersion(modelId, "digest", IModelRegistry.Mode.Proof, 900, "");

        _serve(2, 7);

        _assertOffering(2, 900, true, 7);
    }

    function test_TheTermsStayWhenServiceStops() public {
        _serve(1, 5);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.ModelUnserved(operator, modelId);
        vm.prank(operator);
        operatorRegistry.stopServing(modelId);

        _assertOffering(1, ROYALTY_BPS, false, 5);
    }

    function test_RevertWhen_ItIsNotServing() public {
        bytes memory notServing =
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotServing.selector, operator, modelId);
        vm.startPrank(operator);
        vm.expectRevert(notServing);
        operatorRegistry.stopServing(modelId);

        operatorRegistry.serve(modelId, 1, 5);
        operatorRegistry.stopServing(modelId);
        vm.expectRevert(notServing);
        operatorRegistry.stopServing(modelId);
    }

    function test_RevertWhen_TheModelIsRetired() public {
        vm.prank(publisher);
        modelRegistry.retireModel(modelId);

        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_ModelIsRetired.selector, modelId));
        _serve(1, 5);
    }

    function test_RevertWhen_TheModelOrVersionIsUnknown() public {
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelRegistry_VersionUnknown.selector, modelId, uint32(2))
        );
        _serve(2, 5);

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, UNKNOWN));
        vm.prank(operator);
        operatorRegistry.serve(UNKNOWN, 1, 5);
    }

    function test_RevertWhen_ItIsJailed() public {
        vm.prank(address(slasher));
        operatorRegistry.jail(operator, 0);

        _expectWrongStatus(IOperatorRegistry.Status.Jailed);
        _serve(1, 5);
    }

    function test_RevertWhen_ItExited() public {
        vm.prank(operator);
        operatorRegistry.exit();

        _expectWrongStatus(IOperatorRegistry.Status.Exiting);
        _serve(1, 5);
    }

    function test_RevertWhen_TheCallerIsNotRegistered() public {
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker));
        vm.prank(attacker);
        operatorRegistry.serve(modelId, 1, 5);
    }
}
