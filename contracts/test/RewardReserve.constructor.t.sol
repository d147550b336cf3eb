// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {RewardReserve} from "../src/RewardReserve.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {UptimeLedger} from "../src/UptimeLedger.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {ReserveBase} from "./ReserveBase.t.sol";

contract RewardReserveConstructorTest is ReserveBase {
    struct Arguments {
        address uptimeLedger;
        address operatorRegistry;
        address stakeVault;
        uint64 reportSeconds;
        uint64 claimSeconds;
        IRewardReserve.Parameters parameters;
    }

    function _arguments() private view returns (Arguments memory) {
        return Arguments({
            uptimeLedger: address(ledger),
            operatorRegistry: address(operatorRegistry),
            stakeVault: address(vault),
            reportSeconds: REWARD_REPORT,
            claimSeconds: REWARD_CLAIM,
            parameters: _parameters()
        });
    }

    function deploy(Arguments memory a) external returns (RewardReserve) {
        return new RewardReserve(
            address(accessManager),
            IUptimeLedger(a.uptimeLedger),
            IOperatorRegistry(a.operatorRegistry),
            IStakeVault(a.stakeVault),
            a.reportSeconds,
            a.claimSeconds,
            a.parameters
        );
    }

    function test_ItSaysHowItIsConfigured() public {
        vm.expectEmit();
        emit IRewardReserve.RewardReserveConfigured(
            address(ledger),
            address(operatorRegistry),
            address(vault),
            address(feeToken),
            FLOOR,
            REWARD_REPORT,
            REWARD_CLAIM
        );
        vm.expectEmit();
        emit IRewardReserve.RewardParametersChanged(0, IRewardReserve.Parameters(0, 0, 0), _parameters());
        RewardReserve created = this.deploy(_arguments());

        assertEq(address(created.UPTIME_LEDGER()), address(ledger));
        assertEq(address(created.OPERATOR_REGISTRY()), address(operatorRegistry));
        assertEq(address(created.STAKE_VAULT()), address(vault));
        assertEq(created.FEE_TOKEN(), address(feeToken));
        assertEq(created.BOND(), FLOOR);
        assertEq(created.REPORT_SECONDS(), REWARD_REPORT);
        assertEq(created.CLAIM_SECONDS(), REWARD_CLAIM);
        assertEq(created.inferenceSettlement(), address(0));
        (IRewardReserve.Parameters memory newest, uint64 firstPeriod) = created.parameters();
        assertEq(abi.encode(newest), abi.encode(_parameters()));
        assertEq(firstPeriod, 0);
    }

    function test_RevertWhen_AnAddressIsZero() public {
        Arguments memory a = _arguments();
        a.uptimeLedger = address(0);
        vm.expectRevert(IRewardReserve.RewardReserve_ZeroAddress.selector);
        this.deploy(a);

        a = _arguments();
        a.operatorRegistry = address(0);
        vm.expectRevert(IRewardReserve.RewardReserve_ZeroAddress.selector);
        this.deploy(a);

        a = _arguments();
        a.stakeVault = address(0);
        vm.expectRevert(IRewardReserve.RewardReserve_ZeroAddress.selector);
        this.deploy(a);
    }

    function test_RevertWhen_ADurationIsOutOfRange() public {
        Arguments memory a = _arguments();
        a.reportSeconds = 0;
        vm.expectRevert(_outOfRange("reportSeconds", 0, 1, 30 days));
        this.deploy(a);
        a.reportSeconds = 30 days + 1;
        vm.expectRevert(_outOfRange("reportSeconds", 30 days + 1, 1, 30 days));
        this.deploy(a);

        a = _arguments();
        a.claimSeconds = 0;
        vm.expectRevert(_outOfRange("claimSeconds", 0, 1, 365 days));
        this.deploy(a);
        a.claimSeconds = 365 days + 1;
        vm.expectRevert(_outOfRange("claimSeconds", 365 days + 1, 1, 365 days));
        this.deploy(a);
    }

    /// @dev One release of a period of 200 days would be all there is.
    function test_RevertWhen_APeriodIsTooLong() public {
        Arguments memory a = _arguments();
        IUptimeLedger.Schedule memory schedule = _schedule();
        schedule.slotSeconds = 30 days / SLOTS;
        a.uptimeLedger = _create("UptimeLedger", abi.encode(operatorRegistry, schedule));
        this.deploy(a);

        ++schedule.slotSeconds;
        a.uptimeLedger = _create("UptimeLedger", abi.encode(operatorRegistry, schedule));
        vm.expectRevert(_outOfRange("periodSeconds", 30 days + SLOTS, 1, 30 days));
        this.deploy(a);
    }

    /// @dev Wages are counted in it.
    function test_RevertWhen_NoOwnStakeIsAsked() public {
        Arguments memory a = _arguments();
        a.stakeVault = _create("StakeVault", abi.encode(accessManager, stakeToken, feeToken, sink, 0, 0, _durations()));
        vm.expectRevert(_outOfRange("bond", 0, 1, type(uint128).max));
        this.deploy(a);
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        Arguments memory a = _arguments();
        a.parameters.domainBps = 0;
        vm.expectRevert(_outOfRange("domainBps", 0, 1, 10_000));
        this.deploy(a);
    }
}
