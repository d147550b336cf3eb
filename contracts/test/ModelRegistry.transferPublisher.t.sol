// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {Base} from "./Base.t.sol";

contract ModelRegistryTransferPublisherTest is Base {
    function _propose(address next) private {
        vm.prank(publisher);
        modelRegistry.transferPublisher(modelId, next);
    }

    function test_AProposalChangesNothingUntilItIsAccepted() public {
        vm.expectEmit(address(modelRegistry));
        emit IModelRegistry.PublisherTransferStarted(publisher, alice, modelId);
        _propose(alice);

        assertEq(modelRegistry.publisherOf(modelId), publisher);
        assertEq(modelRegistry.model(modelId).pendingPublisher, alice);
        vm.prank(publisher);
        assertEq(modelRegistry.publishVersion(modelId, "digest", IModelRegistry.Mode.Proof, 0, ""), 2);
    }

    function test_WhoAcceptsIsThePublisher() public {
        _propose(alice);

        vm.expectEmit(address(modelRegistry));
        emit IModelRegistry.PublisherTransferred(publisher, alice, modelId);
        vm.prank(alice);
        modelRegistry.acceptPublisher(modelId);

        assertEq(modelRegistry.publisherOf(modelId), alice);
        assertEq(modelRegistry.model(modelId).pendingPublisher, address(0));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPublisher.selector, publisher, alice));
        _propose(publisher);
    }

    function test_RevertWhen_AWithdrawnProposalIsAccepted() public {
        _propose(alice);
        _propose(address(0));

        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPendingPublisher.selector, alice, address(0))
        );
        vm.prank(alice);
        modelRegistry.acceptPublisher(modelId);
    }

    function test_RevertWhen_AReplacedProposalIsAccepted() public {
        _propose(alice);
        _propose(bob);

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPendingPublisher.selector, alice, bob));
        vm.prank(alice);
        modelRegistry.acceptPublisher(modelId);
    }

    function test_RevertWhen_SomebodyElseAccepts() public {
        _propose(alice);

        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPendingPublisher.selector, attacker, alice)
        );
        vm.prank(attacker);
        modelRegistry.acceptPublisher(modelId);
    }

    function test_RevertWhen_SomebodyElseProposes() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPublisher.selector, attacker, publisher));
        vm.prank(attacker);
        modelRegistry.transferPublisher(modelId, attacker);
    }

    function test_RevertWhen_TheModelIsUnknown() public {
        bytes memory unknown = abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, UNKNOWN);
        vm.expectRevert(unknown);
        modelRegistry.transferPublisher(UNKNOWN, alice);
        vm.expectRevert(unknown);
        modelRegistry.acceptPublisher(UNKNOWN);
    }
}
