// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";

contract OperatorRegistryConstructorTest is Base {
    function create(address models, address stakes, uint64 delay) external returns (OperatorRegistry) {
        return new OperatorRegistry(address(accessManager), IModelRegistry(models), IStakeVault(stakes), delay);
    }

    function test_ItIsConfiguredAsAsked() public {
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(expected);
        emit IOperatorRegistry.OperatorRegistryConfigured(address(modelRegistry), address(vault), 365 days);

        OperatorRegistry created = this.create(address(modelRegistry), address(vault), 365 days);

        assertEq(address(created.MODEL_REGISTRY()), address(modelRegistry));
        assertEq(address(created.STAKE_VAULT()), address(vault));
        assertEq(created.COMMISSION_DELAY(), 365 days);
        assertEq(created.authority(), address(accessManager));
        assertEq(created.operatorCount(), 0);
    }

    function test_RevertWhen_AContractIsMissing() public {
        vm.expectRevert(IOperatorRegistry.OperatorRegistry_ZeroAddress.selector);
        this.create(address(0), address(vault), 0);
        vm.expectRevert(IOperatorRegistry.OperatorRegistry_ZeroAddress.selector);
        this.create(address(modelRegistry), address(0), 0);
    }

    function test_RevertWhen_TheDelayIsLongerThanAYear() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_DelayOutOfRange.selector, uint64(365 days + 1), uint64(365 days)
            )
        );
        this.create(address(modelRegistry), address(vault), 365 days + 1);
    }
}
