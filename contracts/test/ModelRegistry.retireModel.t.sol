// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {Base} from "./Base.t.sol";

contract ModelRegistryRetireModelTest is Base {
    function test_ARetiredModelIsStillThere() public {
        vm.expectEmit(address(modelRegistry));
        emit IModelRegistry.ModelRetired(modelId);
        vm.prank(publisher);
        modelRegistry.retireModel(modelId);

        assertTrue(modelRegistry.model(modelId).retired);
        assertEq(modelRegistry.publisherOf(modelId), publisher);
        assertEq(modelRegistry.version(modelId, 1).royaltyBps, ROYALTY_BPS);
    }

    function test_RevertWhen_ItIsRetiredTwice() public {
        vm.startPrank(publisher);
        modelRegistry.retireModel(modelId);

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelIsRetired.selector, modelId));
        modelRegistry.retireModel(modelId);
    }

    function test_RevertWhen_TheCallerIsNotThePublisher() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPublisher.selector, attacker, publisher));
        vm.prank(attacker);
        modelRegistry.retireModel(modelId);
    }

    function test_RevertWhen_TheModelIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, UNKNOWN));
        vm.prank(publisher);
        modelRegistry.retireModel(UNKNOWN);
    }
}
