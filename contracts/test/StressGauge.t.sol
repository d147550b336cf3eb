// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StressGauge} from "../src/StressGauge.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IPriceOracle} from "../src/interfaces/IPriceOracle.sol";
import {IStakeTotals} from "../src/interfaces/IStakeTotals.sol";
import {IStressGauge} from "../src/interfaces/IStressGauge.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {StressController} from "../src/libraries/StressController.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract StressGaugeTest is AuditBase {
    function _signs() private view returns (StressController.Signs memory) {
        return gauge.signs();
    }

    function test_CalmIsNoStress() public {
        assertEq(abi.encode(_signs()), abi.encode(StressController.Signs(0, 0, 0, 0, 0, 0)));
        assertEq(gauge.multiplierBps(), 10_000);
        _skip(STEP);
        assertEq(gauge.updateMultiplier(), 10_000);
    }

    function test_SignsAreMeasured() public {
        vm.startPrank(address(auditManager));
        gauge.recordBatch(300, 4000);
        gauge.recordBatch(100, 8000);
        for (uint256 i = 0; i < 5; ++i) {
            gauge.recordOpened();
        }
        gauge.recordClosed(true);
        gauge.recordClosed(false);
        vm.stopPrank();
        measures.measure(900, 100, 123);
        faults.weigh(1, 400);
        faults.weigh(0, 700);
        StressController.Signs memory signs = _signs();
        assertEq(signs.utilisation, 5000);
        assertEq(signs.priceFall, 123);
        assertEq(signs.exitQueue, 1000);
        assertEq(signs.missed, 700);
        assertEq(signs.backlog, 300);
        assertEq(signs.lostDisputes, 2500);
        assertEq(gauge.openCases(), 3);
    }

    function test_AnUpdateBeginsANewStep() public {
        vm.startPrank(address(auditManager));
        gauge.recordBatch(1, 7000);
        gauge.recordOpened();
        gauge.recordClosed(true);
        vm.stopPrank();
        _skip(STEP);
        vm.expectEmit(address(gauge));
        emit IStressGauge.MultiplierUpdated(10_000, 50_000, 10_000, StressController.Signs(7000, 0, 0, 0, 0, 5000));
        vm.prank(bob);
        assertEq(gauge.updateMultiplier(), 50_000);
        assertEq(gauge.multiplierBps(), 50_000);
        assertEq(abi.encode(_signs()), abi.encode(StressController.Signs(0, 0, 0, 0, 0, 0)));
        assertEq(gauge.nextStepAt(), _now() + STEP);
        _skip(STEP);
        assertEq(gauge.updateMultiplier(), 50_000 - 1667);
    }

    /// @dev Only periods that can have been weighed are looked at; before genesis there is none.
    function test_OldPeriodsAndThoseBeforeGenesisAreNotLookedAt() public {
        faults.weigh(0, 5000);
        _warpTo(_periodStart(4));
        assertEq(_signs().missed, 5000);
        _warpTo(_periodStart(5));
        assertEq(_signs().missed, 0);
        vm.warp(GENESIS - 1);
        assertEq(_signs().missed, 0);
    }

    function test_OneTokenHasNoPriceThatFalls() public {
        measures.measure(1, 0, 5000);
        gauge = new StressGauge(
            address(accessManager), measures, IPriceOracle(address(0)), faults, ledger, _stressParameters()
        );
        assertEq(_signs().priceFall, 0);
    }

    function test_OneOperatorsUtilisationIsBounded() public {
        vm.prank(address(auditManager));
        gauge.recordBatch(10, type(uint256).max);
        assertEq(_signs().utilisation, 20_000);
    }

    function test_TheGovernorChangesTheParameters() public {
        IStressGauge.Parameters memory next = IStressGauge.Parameters({step: 2 hours, backlogCapacity: 7});
        bytes memory data = abi.encodeCall(gauge.changeParameters, (next));
        vm.prank(governor);
        accessManager.schedule(address(gauge), data, 0);
        _skip(GOVERNOR_DELAY);
        vm.expectEmit(address(gauge));
        emit IStressGauge.StressParametersChanged(_stressParameters(), next);
        vm.prank(governor);
        accessManager.execute(address(gauge), data);
        assertEq(abi.encode(gauge.parameters()), abi.encode(next));
    }

    function create(
        IStakeTotals stakes,
        IFaults faults_,
        IUptimeLedger ledger_,
        IStressGauge.Parameters memory parameters
    ) external returns (StressGauge) {
        return new StressGauge(address(accessManager), stakes, measures, faults_, ledger_, parameters);
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        uint64[2] memory steps = [uint64(0), 7 days + 1];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IStressGauge.StressGauge_ParameterOutOfRange.selector, bytes32("step"), steps[i], 1, 7 days
                )
            );
            this.create(measures, faults, ledger, IStressGauge.Parameters(steps[i], 1));
        }
        vm.expectRevert(
            abi.encodeWithSelector(
                IStressGauge.StressGauge_ParameterOutOfRange.selector,
                bytes32("backlogCapacity"),
                0,
                1,
                type(uint32).max
            )
        );
        this.create(measures, faults, ledger, IStressGauge.Parameters(1, 0));
    }

    function test_ParametersMayBeAtTheirLimits() public {
        this.create(measures, faults, ledger, IStressGauge.Parameters(1, 1));
        this.create(measures, faults, ledger, IStressGauge.Parameters(7 days, type(uint32).max));
    }

    function test_RevertWhen_SomethingIsMissingAtDeployment() public {
        vm.expectRevert(IStressGauge.StressGauge_ZeroAddress.selector);
        this.create(IStakeTotals(address(0)), faults, ledger, _stressParameters());
        vm.expectRevert(IStressGauge.StressGauge_ZeroAddress.selector);
        this.create(measures, IFaults(address(0)), ledger, _stressParameters());
        vm.expectRevert(IStressGauge.StressGauge_ZeroAddress.selector);
        this.create(measures, faults, IUptimeLedger(address(0)), _stressParameters());
    }

    function test_RevertWhen_TheStepIsNotOver() public {
        _skip(STEP);
        gauge.updateMultiplier();
        uint64 nextStepAt = _now() + STEP;
        _skip(STEP - 1);
        vm.expectRevert(abi.encodeWithSelector(IStressGauge.StressGauge_TooEarly.selector, nextStepAt));
        gauge.updateMultiplier();
    }

    function test_RevertWhen_SomebodyElseCounts() public {
        vm.startPrank(attacker);
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker);
        vm.expectRevert(reason);
        gauge.recordBatch(1, 1);
        vm.expectRevert(reason);
        gauge.recordOpened();
        vm.expectRevert(reason);
        gauge.recordClosed(true);
        vm.expectRevert(reason);
        gauge.changeParameters(_stressParameters());
    }
}
